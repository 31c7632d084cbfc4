import { fakeSocket } from "./fake-socket.fixture.ts";
import { sendingSocketTestsuite } from "./sending-socket.testsuite.ts";

const unregistered = "15550100349@s.whatsapp.net";

sendingSocketTestsuite(() => ({
  contact: "15550100342@s.whatsapp.net",
  unregistered,
  under({ ack, failure }) {
    const { wa } = fakeSocket({
      ack: async () => ack,
      failures: failure === null ? 0 : 1,
      isOnWireWhenFailing: failure === "after the wire",
      unregistered: [unregistered],
    });
    return wa;
  },
}));
