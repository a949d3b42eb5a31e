import type { NextConfig } from "next";

const config: NextConfig = {
  rewrites: async () => ({
    // After all routes of this application, so that `/api/auth` stays Better Auth's.
    fallback: [{ source: "/api/:path*", destination: `${process.env.API_URL}/api/:path*` }],
  }),
};

export default config;
