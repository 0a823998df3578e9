"use client";

import "./tokens.css";
import "./base.css";
import { Empty } from "../components/ui/panel.tsx";

/** The page itself broke. Everything it showed is safe in the daemon, so starting over loses nothing. */
export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <main>
          <Empty title="This page stopped working">
            The daemon and its data are not affected.
            <br />
            <button type="button" onClick={() => window.location.reload()}>
              Reload
            </button>
          </Empty>
        </main>
      </body>
    </html>
  );
}
