import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { Diagnostics } from "../components/frame/diagnostics.tsx";
import { Frame } from "../components/frame/frame.tsx";
import { THEME_SCRIPT } from "../components/frame/theme-script.ts";
import { MissionControlProvider } from "../lib/react/index.ts";
import { VERSION } from "../lib/version.ts";
import "./tokens.css";
import "./base.css";

const CLIENT = { name: "mission-control-dashboard", version: VERSION };

export const metadata: Metadata = {
  description: "Live sight of the AI agents behind your gateways.",
  robots: { index: false, follow: false },
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#ffffff" },
    { media: "(prefers-color-scheme: dark)", color: "#14171e" },
  ],
};

export default function RootLayout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: a constant of ours; without it a chosen theme flashes */}
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
        {/* Neither this nor the title is in the metadata, which come later than the first trouble that they are to show */}
        <link rel="icon" href="/icon.svg" type="image/svg+xml" sizes="any" />
      </head>
      <body>
        <MissionControlProvider client={CLIENT}>
          <Diagnostics />
          <Frame>{children}</Frame>
        </MissionControlProvider>
      </body>
    </html>
  );
}
