import { expect, test } from "vitest";
import { fileNameOf } from "#connector/media/file-name.ts";

test.each([
  ['attachment; filename="report.pdf"', "report.pdf"],
  ["attachment; filename=report.pdf; size=3", "report.pdf"],
  [`attachment; filename="plain.pdf"; filename*=UTF-8''caf%C3%A9.pdf`, "café.pdf"],
  ['attachment; filename="say \\"hi\\".pdf"', "say hi.pdf"],
  ['attachment; filename="../../etc/passwd"', "passwd"],
  ['attachment; filename="C:\\\\temp\\\\x.pdf"', "x.pdf"],
  ['attachment; filename=".."', "from path.pdf"],
  ['attachment; filename=""', "from path.pdf"],
  ["attachment; filename*=UTF-8''%ff%fe", "%ff%fe"],
  ['attachment; filename="a\u202egpj.exe"', "agpj.exe"],
  ["attachment; filename*=iso-8859-1''caf%E9.pdf", "café.pdf"],
  [`attachment; filename*=UTF-8''%ff%fe; filename="plain.pdf"`, "plain.pdf"],
  ["attachment; filename=my report.pdf", "my report.pdf"],
  ['attachment; filename="semi;colon.pdf"', "semi;colon.pdf"],
  ['attachment; filename="caf\u00c3\u00a9.pdf"', "café.pdf"],
  ['attachment; filename="caf\u00e9.pdf"', "café.pdf"],
  ["attachment; filename*=UTF-8''%C3%83%C2%A9.pdf", "Ã©.pdf"],
  ['attachment; filename="open', "from path.pdf"],
  ["inline", "from path.pdf"],
  [null, "from path.pdf"],
])("%j names %j", (disposition, name) => {
  expect(fileNameOf(disposition, new URL("https://example.com/a/from%20path.pdf?x=1"))).toBe(name);
});

test("a URL without a path has no file name, and a long name is cut", () => {
  expect(fileNameOf(null, new URL("https://example.com/"))).toBeNull();
  expect(fileNameOf(null, new URL(`https://example.com/${"x".repeat(400)}`))).toHaveLength(255);
});
