import styles from "./sparkline.module.css";

const WIDTH = 96;
const HEIGHT = 22;

/** A few numbers as a line, oldest first, from 0 up; `label` says it in words. */
export function Sparkline({ values, label }: { readonly values: readonly number[]; readonly label: string }) {
  const most = Math.max(1, ...values);
  const x = (place: number): string => ((place / Math.max(1, values.length - 1)) * WIDTH).toFixed(1);
  const y = (value: number): string => (HEIGHT - 1 - (value / most) * (HEIGHT - 2)).toFixed(1);
  if (values.length === 0) return <span className={styles.none} role="img" aria-label={label} />;
  const line = values.map((value, place) => `${x(place)},${y(value)}`).join(" ");
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} className={styles.area} />
      <polyline points={line} className={styles.line} />
    </svg>
  );
}
