/** The saved state of a sandbox cannot be used. The message is complete, and addressed to the person at the terminal. */
export class SandboxStateError extends Error {
  override readonly name = "SandboxStateError";

  constructor(path: string, why: string, options?: ErrorOptions) {
    const message =
      `The sandbox's state in ${path} can't be read: ${why}. ` +
      "Move the file away to start with an empty sandbox; the channels linked to this one must then be paired again.";
    super(message, options);
  }
}
