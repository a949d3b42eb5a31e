// Runs the page's buttons and shows each answer.
import { auth, call, forgetToken } from "./api.mjs";

const { api } = await (await fetch("/settings.json")).json();
const [account, requests] = document.forms;
const answer = document.querySelector("#answer");

// Returns what the page may read of an answer. Another origin decides what it shares.
const read = async (response) => {
  const fields = ["www-authenticate", "location"]
    .map((name) => [name, response.headers.get(name)])
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}`);
  return [response.status, ...fields, await response.text()].join("\n");
};

const signedIn = ({ data, error }) => {
  if (error) return `${error.status}\n${error.message}`;
  requests.user.value = data.user.id;
  return `You are ${data.user.id}`;
};

const actions = {
  signUp: async (email, password) => signedIn(await auth.signUp.email({ name: email, email, password })),
  signIn: async (email, password) => signedIn(await auth.signIn.email({ email, password })),
  signOut: async () => {
    await auth.signOut();
    return "Nobody is signed in";
  },
  list: async (tasks) => read(await call(tasks)),
  bare: async (tasks) => read(await fetch(tasks)),
  add: async (tasks, title) =>
    read(
      await call(tasks, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ title }),
      }),
    ),
};

const onSubmit = (form, values) =>
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.textContent = "…";
    answer.textContent = await actions[event.submitter.value](...values()).catch(String);
  });
onSubmit(account, () => {
  forgetToken();
  return [account.email.value, account.password.value];
});
onSubmit(requests, () => [
  `${api}/api/${encodeURIComponent(requests.user.value)}/tasks`,
  requests.title.value,
]);
for (const fieldset of document.querySelectorAll("fieldset")) fieldset.disabled = false;
