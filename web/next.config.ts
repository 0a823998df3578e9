import type { NextConfig } from "next";

// The daemon serves the export as plain files: no server of Node's, no image service, nothing fetched at run time.
const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
};

export default config;
