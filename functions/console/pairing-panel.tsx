import type { ChannelView } from "./channel-view.ts";
import { contactName } from "./contact-name.ts";
import { CopyButton } from "./copy-button.tsx";
import { durationText, secondsUntil } from "./countdown.ts";
import { useNow } from "./hooks.ts";
import { usePage } from "./page-context.ts";
import type { CodePairing, QrPairing } from "./pairing.ts";

/** The QR code or pairing code, while one is usable. */
export function PairingPanel({ channel }: { channel: ChannelView }) {
  const { status, pairing } = channel;
  if (status !== "qr_ready" && status !== "pairing_code_ready") return null;
  if (!pairing) return <p class="pairing hint">Waiting for the code…</p>;
  if (pairing.kind === "qr") return <Qr pairing={pairing} />;
  return <Code pairing={pairing} phoneNumber={channel.requestedNumber ?? channel.phoneNumber} />;
}

function Qr({ pairing }: { pairing: QrPairing }) {
  const left = secondsUntil(pairing.expiresAt, useNow());
  const isLast = pairing.attempt >= pairing.of;
  return (
    <div class="pairing">
      <img class={left > 0 ? "qr" : "qr spent"} src={pairing.qrCode} alt="QR code to scan with WhatsApp" />
      <div>
        <ol>
          <li>Open WhatsApp on the phone.</li>
          <li>
            Go to <b>Settings</b> → <b>Linked devices</b> → <b>Link a device</b>.
          </li>
          <li>Point the phone at this QR code.</li>
        </ol>
        <p class="countdown">
          Code {pairing.attempt} of {pairing.of} ·{" "}
          {left > 0
            ? `${isLast ? "expires" : "new one"} in ${durationText(left)}`
            : isLast
              ? "expired"
              : "a new one is coming"}
        </p>
        <SandboxHint verb="scan" />
      </div>
    </div>
  );
}

/** `phoneNumber` is the number that the code is for, if this page knows it. */
function Code({ pairing, phoneNumber }: { pairing: CodePairing; phoneNumber: string | null }) {
  const left = secondsUntil(pairing.expiresAt, useNow());
  return (
    <div class="pairing">
      <div class="code-box">
        <output class={left > 0 ? "pairing-code" : "pairing-code spent"} aria-label="Pairing code">
          {grouped(pairing.code)}
        </output>
        <CopyButton text={pairing.code} what="pairing code" />
      </div>
      <div>
        <ol>
          <li>
            Open WhatsApp on the phone{" "}
            {phoneNumber === null ? (
              "that the code is for"
            ) : (
              <>
                with number <b>{contactName(phoneNumber)}</b>
              </>
            )}
            .
          </li>
          <li>
            Go to <b>Settings</b> → <b>Linked devices</b> → <b>Link a device</b> →{" "}
            <b>Link with phone number instead</b>.
          </li>
          <li>Enter this code.</li>
        </ol>
        <p class="countdown">{left > 0 ? `Expires in ${durationText(left)}` : "Expired"}</p>
        <SandboxHint verb="enter" />
      </div>
    </div>
  );
}

function SandboxHint({ verb }: { verb: string }) {
  const { info } = usePage();
  if (!info.sandboxUrl) return null;
  return (
    <p class="hint">
      This is the sandbox, so you need no real phone:{" "}
      <a href={info.sandboxUrl} target="_blank" rel="noreferrer">
        open the simulated phone
      </a>{" "}
      and {verb} the code there.
    </p>
  );
}

/** Formats a code as the phone's own form does: `ABCD-1234`. */
function grouped(code: string): string {
  return code.length === 8 ? `${code.slice(0, 4)}-${code.slice(4)}` : code;
}
