/* Runs in the page, before its own scripts: notes its frames, its long tasks and what it says of its latency. */
(() => {
  const fresh = () => ({ intervals: [], long: [], slow: [], latency: [], received: [] });
  let noted = fresh();
  let measuring = false;
  let since = 0;
  let last = null;

  const frame = (now) => {
    if (measuring && last !== null) noted.intervals.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);

  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      if (measuring && startTime >= since) noted.long.push([startTime, duration]);
    }
  }).observe({ type: "longtask" });

  /** What a slow frame's time went into: scripts by who called them, then style and layout, then what has no name. */
  const parts = (entry) => {
    const found = {};
    for (const { invoker, duration, forcedStyleAndLayoutDuration } of entry.scripts) {
      found[invoker] = (found[invoker] ?? 0) + duration - forcedStyleAndLayoutDuration;
      found["layout within scripts"] = (found["layout within scripts"] ?? 0) + forcedStyleAndLayoutDuration;
    }
    const end = entry.startTime + entry.duration;
    if (entry.styleAndLayoutStart > 0) found["style and layout"] = end - entry.styleAndLayoutStart;
    const named = Object.values(found).reduce((sum, part) => sum + part, 0);
    found["waiting, collecting garbage and the rest"] = Math.max(0, entry.duration - named);
    return found;
  };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (measuring && entry.startTime >= since) noted.slow.push([entry.duration, parts(entry)]);
    }
  }).observe({ type: "long-animation-frame" });

  /* From the receipt of a frame of the stream to the paint that has it: a task posted from an animation frame runs then. */
  let arrived = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const now = performance.now();
    if (measuring) for (const at of arrived) if (at >= since) noted.received.push(now - at);
    arrived = [];
  };
  window.WebSocket = class extends WebSocket {
    constructor(...of) {
      super(...of);
      this.addEventListener("message", () => {
        if (arrived.push(performance.now()) === 1) requestAnimationFrame(() => port2.postMessage(null));
      });
    }
  };

  setInterval(() => {
    const latency = measuring ? window.__missionControl?.latency() : undefined;
    if (latency?.count > 0) noted.latency.push([latency.p50, latency.p95, latency.p99, latency.max]);
  }, 1_000);

  window.__probe = {
    /** Note from now on what begins from now on. */
    begin() {
      since = performance.now();
      last = null;
      measuring = true;
    },
    /** Hold, so that what the benchmark itself does to the page does not count. */
    hold() {
      measuring = false;
    },
    /** All that was noted since the last time. */
    take() {
      const taken = noted;
      noted = fresh();
      return taken;
    },
  };
})();
