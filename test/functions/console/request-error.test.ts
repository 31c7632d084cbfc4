import { expect, test } from "vitest";
import { asRequestError, errorFromAnswer, RequestError } from "#functions/console/request-error.ts";

test("an error response yields the server's code, message, problems and request id", () => {
  const error = errorFromAnswer(400, {
    ok: false,
    error: {
      code: "invalid_request",
      message: "The request is not valid",
      details: [{ field: "to", message: "must be a phone number" }],
      requestId: "r1",
    },
  });
  expect(error).toMatchObject({
    code: "invalid_request",
    message: "The request is not valid",
    status: 400,
    problems: [{ field: "to", message: "must be a phone number" }],
    requestId: "r1",
  });
});

test("details that are not a list of problems are ignored", () => {
  for (const details of [{ messageId: "m" }, [{ field: 1 }, "x", null], null, "text"]) {
    const error = errorFromAnswer(422, { error: { code: "whatsapp_rejected", message: "No", details } });
    expect(error.problems).toEqual([]);
  }
});

test("a response that is not from the API gets a code from its status", () => {
  for (const body of [null, "<html>", {}, { error: "no" }, { error: { code: 1 } }])
    expect(errorFromAnswer(502, body)).toMatchObject({ code: "http_502", status: 502 });
});

test("anything thrown becomes a `RequestError`", () => {
  const error = new RequestError("timeout", "Too late", { status: 0 });
  expect(asRequestError(error)).toBe(error);
  expect(asRequestError(new TypeError("x is not a function")).message).toBe("x is not a function");
  expect(asRequestError("odd").message).toBe("odd");
});
