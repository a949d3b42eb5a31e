// Organisations and roles in the access token: copy this beside auth.mjs, and give
// Better Auth the two plugins and `jwt()` this `definePayload`.
import { admin, organization } from "better-auth/plugins";

export const organizationPlugins = () => [organization(), admin()];

// Better Auth keeps several roles in one string, with commas between. A token carries
// lists, so that no role can be mistaken for a part of another one's name.
const list = (roles) => roles?.split(",") ?? [];

// `auth` returns the finished Better Auth: it exists only once the plugins do.
export const payloadWithRoles =
  (auth) =>
  async ({ user, session }) => {
    const { adapter } = await auth().$context;
    // Memberships are read whenever a token is minted: `session.activeOrganizationId`
    // stays what it was after its user has been removed.
    const where = [{ field: "userId", value: user.id }];
    const members = await adapter.findMany({ model: "member", where });
    return {
      uid: user.id,
      roles: list(user.role),
      orgs: Object.fromEntries(members.map((member) => [member.organizationId, list(member.role)])),
      // The administrator who acts as this user. Without one it is undefined, and left out.
      impersonatedBy: session.impersonatedBy ?? undefined,
    };
  };
