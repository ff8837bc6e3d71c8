import { describe, expect, test } from "vitest";
import { type ContractRig, forever, launchRequest, publishRequest } from "./contract-rig.ts";

export function volumeContract(setUp: () => Promise<ContractRig>): void {
  describe("volumes", () => {
    test("a volume is made once and listed with its labels until it is removed", async () => {
      await using rig = await setUp();
      const request = { name: "npm", labels: { tier: "ci", "org.example/owner": "a b=c" } };
      const made = await rig.worker.ensureVolume(request, forever);
      expect(made).toMatchObject(request);
      expect(Date.parse(made.createdAt)).not.toBeNaN();
      const again = await rig.worker.ensureVolume({ name: "npm", labels: { tier: "other" } }, forever);
      expect(again).toEqual(made);
      await rig.worker.ensureVolume({ name: "apt", labels: {} }, forever);
      const listed = await rig.worker.listVolumes(forever);
      expect(listed.map(({ name }) => name)).toEqual(["apt", "npm"]);
      expect(listed).toContainEqual(made);
      await rig.worker.removeVolume("npm", forever);
      expect((await rig.worker.listVolumes(forever)).map(({ name }) => name)).toEqual(["apt"]);
    });

    test("an unknown volume is refused with a name that is near", async () => {
      await using rig = await setUp();
      await rig.worker.ensureVolume({ name: "npm-cache", labels: {} }, forever);
      await expect(rig.worker.removeVolume("npm-cahce", forever)).rejects.toMatchObject({
        code: "UnknownVolume",
        category: "usage",
        hint: expect.stringContaining("npm-cache"),
      });
    });

    test("a volume that a sandbox mounts, running or stopped, stays until the sandbox is removed", async () => {
      await using rig = await setUp();
      await rig.worker.importImage(rig.image, rig.openLayout(), forever);
      await rig.worker.publishSnapshot(publishRequest(rig, "app", null), forever);
      const mount = { kind: "volume", guestPath: "/data", volume: "data", readOnly: false } as const;
      await rig.worker.launchSandbox({ ...launchRequest("box", "app"), mounts: [mount] }, forever);
      const refused = {
        code: "VolumeInUse",
        category: "usage",
        message: expect.stringContaining("sandbox box"),
      };
      await expect(rig.worker.removeVolume("data", forever)).rejects.toMatchObject(refused);
      await rig.worker.stopSandbox("box", forever);
      await expect(rig.worker.removeVolume("data", forever)).rejects.toMatchObject(refused);
      await rig.worker.removeSandbox("box", { force: false }, forever);
      await rig.worker.removeVolume("data", forever);
      expect(await rig.worker.listVolumes(forever)).toEqual([]);
    });
  });
}
