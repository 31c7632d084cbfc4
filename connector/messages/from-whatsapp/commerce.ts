import { filled, type ProtoNumber, whole } from "./fields.ts";
import type { Convert } from "./kind.ts";

export const order: Convert<"orderMessage"> = (value) => {
  const { orderId, itemCount, orderTitle, message, sellerJid } = value;
  return {
    content: {
      ...{ type: "order", orderId: orderId ?? "", items: whole(itemCount) ?? 0 },
      ...filled({ title: orderTitle, text: message, seller: sellerJid }),
      ...filled({ total: priceOf(value.totalAmount1000, value.totalCurrencyCode) }),
    },
    text: message || orderTitle || "",
  };
};

export const product: Convert<"productMessage"> = ({ product: shown, body, businessOwnerJid }) => {
  const { productId, title, description, retailerId, url } = shown ?? {};
  return {
    content: {
      ...{ type: "product", productId: productId ?? "" },
      ...filled({ title, description, text: body, retailerId, url, business: businessOwnerJid }),
      ...filled({ price: priceOf(shown?.priceAmount1000, shown?.currencyCode) }),
    },
    text: body || title || "",
  };
};

/** WhatsApp writes amounts in thousandths. */
function priceOf(thousandths: ProtoNumber, currency: string | null | undefined) {
  const amount = whole(thousandths);
  return amount === undefined || !currency ? undefined : { amount: amount / 1_000, currency };
}
