import type { NextConfig } from "next";

// As `create-next-app` makes it, but for `rewrites`.
const nextConfig: NextConfig = {
  cacheComponents: true,
  partialPrefetching: true,
  rewrites: async () => ({
    // After all routes of this application, so that `/api/auth` stays Better Auth's.
    fallback: [{ source: "/api/:path*", destination: `${process.env.API_URL}/api/:path*` }],
  }),
};

export default nextConfig;
