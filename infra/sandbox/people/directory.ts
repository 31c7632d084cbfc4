import type { Directory, Network } from "../network/network.ts";
import type { Companion, SandboxState } from "../state/state.ts";
import { newPersonState, SimulatedPerson } from "./simulated-person.ts";

const phoneNumberShape = /^[1-9]\d{4,19}$/;

/** Creates people on first use, and finds them by number or LID. */
export function createDirectory(
  state: SandboxState,
  changed: () => void,
  network: () => Network,
): Directory<SimulatedPerson> {
  const people = new Map<string, SimulatedPerson>();
  const byLid = new Map<string, SimulatedPerson>();
  const owners = new WeakMap<Companion, SimulatedPerson>();
  const add = (person: SimulatedPerson): SimulatedPerson => {
    people.set(person.phoneNumber, person);
    byLid.set(person.state.lid, person);
    return person;
  };
  const restored = (): Map<string, SimulatedPerson> => {
    if (people.size === 0)
      for (const saved of Object.values(state.people)) add(new SimulatedPerson(network(), saved));
    return people;
  };
  return {
    person(phoneNumber) {
      const known = restored().get(phoneNumber);
      if (known) return known;
      if (!phoneNumberShape.test(phoneNumber)) throw new Error(`not a phone number: ${phoneNumber}`);
      const person = newPersonState(phoneNumber);
      state.people[phoneNumber] = person;
      changed();
      return add(new SimulatedPerson(network(), person));
    },
    find: (user, addressing) => (restored() && (addressing === "pn" ? people : byLid).get(user)) ?? null,
    people: () => [...restored().values()],
    ownerOf(companion) {
      const known = owners.get(companion);
      if (known) return known;
      const owner = [...restored().values()].find((person) => person.state.companions.includes(companion));
      if (owner) owners.set(companion, owner);
      return owner ?? null;
    },
  };
}
