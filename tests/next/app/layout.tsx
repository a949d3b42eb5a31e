import type { ReactNode } from "react";

// No file for the browser to look for.
export const metadata = { title: "Tasks", icons: { icon: "data:," } };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
