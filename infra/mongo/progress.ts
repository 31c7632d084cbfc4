/** Reports what a start is doing. */
export type Progress = {
  /** Prints a line that stays. */
  say(text: string): void;
  /** Prints how far a download has come, in place of the previous tick where the output allows it. */
  tick(text: string): void;
};

/** The part of `process.stdout` that progress needs. */
export type Terminal = { readonly isTTY?: boolean | undefined; write(text: string): unknown };

const tickEveryMs = 2_000;

/** Prints progress. Ticks rewrite one line on a TTY; elsewhere (log file, CI) they are lines, at most one in 2 s. */
export function terminalProgress(
  terminal: Terminal,
  nowMs: () => number = () => performance.now(),
): Progress {
  return terminal.isTTY ? rewriting(terminal) : plain(terminal, nowMs);
}

/** Prints nothing. */
export const silentProgress: Progress = { say: () => {}, tick: () => {} };

function rewriting(terminal: Terminal): Progress {
  const clear = "\r\u001b[2K";
  let open = false;
  return {
    say(text) {
      terminal.write(`${open ? clear : ""}${text}\n`);
      open = false;
    },
    tick(text) {
      terminal.write(`${clear}${text}`);
      open = true;
    },
  };
}

function plain(terminal: Terminal, nowMs: () => number): Progress {
  let lastTickMs = Number.NEGATIVE_INFINITY;
  return {
    say: (text) => void terminal.write(`${text}\n`),
    tick(text) {
      if (nowMs() - lastTickMs < tickEveryMs) return;
      lastTickMs = nowMs();
      terminal.write(`${text}\n`);
    },
  };
}
