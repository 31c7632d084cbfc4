// cspell:ignore Epdf Jpbw YXTDs Rechnung Relat Relatório março fetc fpasswd

import fc from "fast-check";
import { expect, test } from "vitest";
import { fileNameOf } from "#connector/media/file-name.ts";

const pdf = "application/pdf";

test.each([
  ['attachment; filename="report.pdf"', "report.pdf"],
  ["attachment; filename=report.pdf; size=3", "report.pdf"],
  [`attachment; filename="plain.pdf"; filename*=UTF-8''caf%C3%A9.pdf`, "café.pdf"],
  ['attachment; filename="say \\"hi\\".pdf"', "say hi.pdf"],
  ['attachment; filename="../../etc/passwd"', "passwd.pdf"],
  ['attachment; filename="C:\\\\temp\\\\x.pdf"', "x.pdf"],
  ['attachment; filename=".."', "from path.pdf"],
  ['attachment; filename=""', "from path.pdf"],
  ["attachment; filename*=UTF-8''%ff%fe", "%ff%fe.pdf"],
  ['attachment; filename="a\u202egpj.exe"', "agpj.exe"],
  ["attachment; filename*=iso-8859-1''caf%E9.pdf", "café.pdf"],
  [`attachment; filename*=UTF-8''%ff%fe; filename="plain.pdf"`, "plain.pdf"],
  ["attachment; filename=my report.pdf", "my report.pdf"],
  ['attachment; filename="semi;colon.pdf"', "semi;colon.pdf"],
  ['attachment; filename="caf\u00c3\u00a9.pdf"', "café.pdf"],
  ['attachment; filename="caf\u00e9.pdf"', "café.pdf"],
  ["attachment; filename*=UTF-8''%C3%83%C2%A9.pdf", "Ã©.pdf"],
  ['attachment; filename="open', "from path.pdf"],
  ['attachment; filename="Relat\u00c3\u00b3rio de mar\u00c3\u00a7o.pdf"', "Relatório de março.pdf"],
  ["attachment; filename=My annual report.pdf; size=3", "My annual report.pdf"],
  ["attachment; filename=Relat%C3%B3rio%202.pdf", "Relatório 2.pdf"],
  ['attachment; filename="100% sure.pdf"', "100% sure.pdf"],
  ["attachment; filename*=UTF-8''50%2525.pdf", "50%25.pdf"],
  ['attachment; filename="=?UTF-8?B?UmVsYXTDs3Jpbw==?= =?UTF-8?Q?_2=2Epdf?="', "Relatório 2.pdf"],
  ['attachment; filename="=?iso-8859-1?Q?caf=E9?="', "café.pdf"],
  ['attachment; filename="=?no-charset?B?UmVw?="', "=no-charsetBUmVw=.pdf"],
  ['attachment; filename="%2e%2e%2fetc%2fpasswd"', "passwd.pdf"],
  ['attachment; filename="Invoice 17"', "Invoice 17.pdf"],
  ['attachment; filename="version 1.2"', "version 1.2.pdf"],
  ['attachment; filename="Rechnung Nr. 5"', "Rechnung Nr. 5.pdf"],
  ['attachment; filename="letter.final"', "letter.final"],
  ['attachment; filename="letter.PDF"', "letter.PDF"],
  ['attachment; filename=".htaccess"', "htaccess.pdf"],
  ['attachment; filename="trailing. . ."', "trailing.pdf"],
  ['attachment; filename="report.pdf        .exe"', "report.pdf.exe"],
  ['attachment; filename="nul.pdf"', "_nul.pdf"],
  ['attachment; filename="COM1"', "_COM1.pdf"],
  ['attachment; filename="two\u2028lines.pdf"', "two lines.pdf"],
  [`attachment; filename="two\r\n lines\0.pdf"`, "two lines.pdf"],
  ["inline", "from path.pdf"],
  [null, "from path.pdf"],
])("%j names %j", (disposition, name) => {
  expect(fileNameOf(disposition, new URL("https://example.com/a/from%20path.pdf?x=1"), pdf)).toBe(name);
});

test.each([
  ["/download?id=1", pdf, "download.pdf"],
  ["/download.php?id=1", pdf, "download.pdf"],
  ["/photo.jpg?width=80", "image/webp", "photo.webp"],
  ["/photo.jpeg?width=80", "image/jpeg", "photo.jpeg"],
  ["/table.csv?all", "text/plain", "table.csv"],
  ["/download.php", pdf, "download.php"],
  ["/download", "application/octet-stream", "download"],
  ["/data.bin?x", "application/octet-stream", "data.bin"],
  ["/voice", "audio/ogg; codecs=opus", "voice.ogg"],
  ["/", pdf, "document.pdf"],
  ["/?id=1", "text/made-up", "document"],
  ["/..%2f..%2fetc%2fpasswd", "text/plain", "passwd.txt"],
  ["/%ff", pdf, "%ff.pdf"],
])("%s of type %s is called %s", (path, mimetype, name) => {
  expect(fileNameOf(null, new URL(path, "https://example.com"), mimetype)).toBe(name);
});

test("a long name is cut to 255 bytes between characters, and keeps its ending", () => {
  const name = (text: string) =>
    fileNameOf(`attachment; filename*=UTF-8''${encodeURIComponent(text)}`, new URL("https://a.b/"), pdf);
  expect(name(`${"x".repeat(400)}.pdf`)).toBe(`${"x".repeat(251)}.pdf`);
  expect(name("x".repeat(400))).toBe(`${"x".repeat(251)}.pdf`);
  expect(name(`${"é".repeat(200)}.pdf`)).toBe(`${"é".repeat(125)}.pdf`);
  expect(name(`${"👍🏽".repeat(100)}.pdf`)).toBe(`${"👍🏽".repeat(31)}.pdf`);
  expect(name(`a${"\u0301".repeat(200)}`)).toBe("document.pdf");
});

test("whatever a server sends, the name is one that a file system accepts", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.string({ maxLength: 600 }),
  );
  fc.assert(
    fc.property(anything, fc.constantFrom(pdf, "text/made-up"), (text, mimetype) => {
      const quoted = `attachment; filename="${text}"`;
      for (const disposition of [text, quoted, `${quoted.slice(0, -1)}; filename*=UTF-8''${text}`]) {
        const name = fileNameOf(disposition, new URL("https://a.b/"), mimetype);
        expect(name).toMatch(/^[^\p{Cc}\p{Cf}\p{Cs}/\\<>:"|?*]+$/u);
        expect(name).not.toMatch(/^\.|[. ]$/);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      }
    }),
  );
});
