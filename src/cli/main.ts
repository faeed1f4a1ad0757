#!/usr/bin/env node
import { regard } from "./program.js";

/** What writing to a terminal that was closed fails with. */
const TERMINAL_GONE = "EIO";

// A reader that has seen enough, such as head, closes the pipe: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  if (error.code !== TERMINAL_GONE) throw error;
});
// What nobody can read any more must not keep a training from being saved.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE" && error.code !== TERMINAL_GONE) throw error;
});

process.exitCode = await regard(process.argv.slice(2));
