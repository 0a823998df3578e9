"use client";

import { useEffect, useRef } from "react";
import type UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import styles from "./chart.module.css";

export type Column = readonly (number | null)[];

interface ChartProps {
  readonly title: string;
  /** In seconds since the epoch. */
  readonly times: readonly number[];
  readonly values: Column;
  /** A value with its unit, such as `12 ms`. */
  readonly format: (value: number) => string;
}

const HEIGHT = 120;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });

/** A line over time. The newest value stands beside the title, so that nothing has to be read off a picture. */
export function Chart({ title, times, values, format }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const newest = values.findLast((value) => value !== null) ?? null;
  const data = useRef({ times, values, format });
  data.current = { times, values, format };

  useEffect(() => {
    const frame = box.current;
    if (frame === null) return;
    let meant = true;
    const draw = async (): Promise<void> => {
      const { default: Plot } = await import("uplot");
      if (!meant) return;
      plot.current?.destroy();
      plot.current = new Plot(optionsOf(frame, data.current.format), columnsOf(data.current), frame);
    };
    void draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: frame.clientWidth, height: HEIGHT }));
    resized.observe(frame);
    const themed = new MutationObserver(() => void draw()); // the canvas has its colours from the theme
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const preferred = matchMedia("(prefers-color-scheme: dark)");
    preferred.addEventListener("change", draw);
    return () => {
      meant = false;
      resized.disconnect();
      themed.disconnect();
      preferred.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    plot.current?.setData(columnsOf({ times, values }));
  }, [times, values]);

  return (
    <figure className={styles.chart} data-testid="chart">
      <figcaption className={styles.title}>
        {title} <b>{newest === null ? "–" : format(newest)}</b>
      </figcaption>
      <div ref={box} className={styles.plot} aria-hidden="true" />
    </figure>
  );
}

const columnsOf = ({ times, values }: { times: readonly number[]; values: Column }): UPlot.AlignedData => [
  [...times],
  [...values],
];

function optionsOf(frame: HTMLElement, format: (value: number) => string): UPlot.Options {
  const style = getComputedStyle(frame);
  const axis = { stroke: style.color, font: `11px ${style.fontFamily}`, ticks: { show: false } };
  const grid = { stroke: style.borderTopColor, width: 1 };
  return {
    width: frame.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 24, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 24, values: (_, ticks) => ticks.map((at) => CLOCK.format(at * 1_000)) },
      { ...axis, grid, size: 64, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      { stroke: style.getPropertyValue("outline-color"), width: 1.5, points: { show: false }, spanGaps: true },
    ],
  };
}
