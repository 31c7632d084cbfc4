import { normaliseJid } from "#shared/jid.ts";
import { filled, type ProtoNumber, whole } from "./fields.ts";
import type { Convert } from "./kind.ts";

export const order: Convert<"orderMessage"> = (value) => {
  const { orderId, itemCount, orderTitle, message, sellerJid } = value;
  return {
    content: {
      type: "order",
      orderId: orderId ?? "",
      items: whole(itemCount) ?? 0,
      ...filled({ title: orderTitle, text: message, seller: normaliseJid(sellerJid) }),
      ...filled({ total: priceOf(value.totalAmount1000, value.totalCurrencyCode) }),
    },
    text: message || orderTitle || "",
  };
};

/** A product, or a whole catalogue. */
export const product: Convert<"productMessage"> = (value) => {
  const { product: shown, catalog, body, footer, businessOwnerJid } = value;
  const { productId, retailerId, url } = shown ?? {};
  const title = shown?.title || catalog?.title;
  const description = shown?.description || catalog?.description;
  return {
    content: {
      type: "product",
      productId: productId ?? "",
      ...filled({ title, description, text: body, retailerId, url }),
      ...filled({ seller: normaliseJid(businessOwnerJid) }),
      ...filled({ price: priceOf(shown?.priceAmount1000, shown?.currencyCode) }),
    },
    text: body || title || description || footer || "",
  };
};

/** WhatsApp writes amounts in thousandths. */
export function priceOf(thousandths: ProtoNumber, currency: string | null | undefined) {
  const amount = whole(thousandths);
  return amount === undefined || !currency ? undefined : { amount: amount / 1_000, currency };
}
