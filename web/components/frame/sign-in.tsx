"use client";

import { type FormEvent, useEffect, useRef, useState } from "react";
import { useMission, useSession } from "../../lib/react/index.ts";
import { KeyIcon } from "../ui/icons.tsx";
import styles from "./sign-in.module.css";

/** Asks for the operator token. It stays in this tab and goes nowhere but to the daemon. */
export function SignIn() {
  const problem = useSession((session) => session.problem);
  const trying = useSession((session) => session.link !== "signed_out");
  const mission = useMission();
  const [token, setToken] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const refusal = trying ? null : problem; // each is another object, also when it says the same
  useEffect(() => {
    if (refusal !== null) field.current?.focus(); // the next thing to do is to correct what is in it
  }, [refusal]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim() !== "") mission.signIn(token.trim());
  };
  return (
    <main className={styles.page}>
      <form className={styles.card} data-testid="sign-in" onSubmit={submit}>
        <span className={styles.icon}>
          <KeyIcon />
        </span>
        <h2 className={styles.title}>Sign in</h2>
        <p className={styles.text}>
          This daemon asks for its operator token. It stands in the daemon's data directory, and the daemon says where
          when it starts.
        </p>
        <label className={styles.label} htmlFor="token">
          Operator token
        </label>
        <input
          ref={field}
          id="token"
          className={styles.input}
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          value={token}
          aria-invalid={refusal !== null}
          aria-describedby="token-problem"
          onChange={(event) => setToken(event.target.value)}
        />
        <p id="token-problem" className={styles.problem} role="alert">
          {problem !== null && `${problem.message} ${problem.remedy ?? ""}`}
        </p>
        <button type="submit" className={styles.submit} aria-busy={trying}>
          {trying ? "Signing in …" : "Sign in"}
        </button>
        <p className={styles.note}>The token is kept in this tab only, until you close it.</p>
      </form>
    </main>
  );
}
