import styles from "./json.module.css";

const MOST = 20_000;

/** A value as it was told, for reading. It is only ever text. */
export function Json({ value }: { readonly value: unknown }) {
  const text = typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
  return (
    <pre className={styles.json}>
      {text.slice(0, MOST)}
      {text.length > MOST && `\n… ${(text.length - MOST).toLocaleString()} more characters`}
    </pre>
  );
}
