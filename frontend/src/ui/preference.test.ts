import { afterEach, describe, expect, it, vi } from "vitest";

import { Preference } from "./preference.ts";

describe("Preference", () => {
  afterEach(() => {
    localStorage.clear();
  });

  it("is the first value until one is chosen, then that one, also after a reload", () => {
    const applied: string[] = [];
    const make = () => new Preference("tea", ["green", "black"], (tea) => applied.push(tea));
    const tea = make();
    expect(tea.get()).toBe("green");
    tea.set("black");
    expect(tea.get()).toBe("black");
    expect(make().get()).toBe("black");
    expect(applied).toEqual(["green", "black", "black"]);
  });

  it("takes nothing from the storage that cannot be chosen", () => {
    localStorage.setItem("citestream.tea", "coffee");
    expect(new Preference("tea", ["green", "black"]).get()).toBe("green");
  });

  it("is kept under a name of ours, and taken over from the name it had", () => {
    localStorage.setItem("tea", "black");
    const tea = new Preference("tea", ["green", "black", "white"]);
    expect(tea.get()).toBe("black");
    tea.set("white");
    expect(localStorage.getItem("citestream.tea")).toBe("white");
    expect(localStorage.getItem("tea")).toBe("black");
  });

  it("follows what another tab chose", () => {
    const tea = new Preference("tea", ["green", "black"]);
    const heard: string[] = [];
    tea.subscribe(() => heard.push(tea.get()));
    localStorage.setItem("citestream.tea", "black");
    globalThis.dispatchEvent(new StorageEvent("storage", { key: "citestream.tea" }));
    globalThis.dispatchEvent(new StorageEvent("storage", { key: "coffee" }));
    localStorage.clear();
    globalThis.dispatchEvent(new StorageEvent("storage", { key: null }));
    expect(heard).toEqual(["black", "green"]);
  });

  it("holds for this visit where storage is forbidden", () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    const tea = new Preference("tea", ["green", "black"]);
    tea.set("black");
    expect(tea.get()).toBe("black");
  });

  it("tells who listens", () => {
    const tea = new Preference("tea", ["green", "black"]);
    let heard = 0;
    const leave = tea.subscribe(() => (heard += 1));
    tea.set("black");
    leave();
    tea.set("green");
    expect(heard).toBe(1);
  });
});
