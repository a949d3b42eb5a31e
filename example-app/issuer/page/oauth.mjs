// The two pages that a user sees while a program gets a token for them. Better Auth sends
// the program's request along in the address, signed, and wants it back as it is.
const asked = new URLSearchParams(location.search);
const [form] = document.forms;

for (const name of ["scope", "resource"]) {
  const place = document.getElementById(name);
  if (place) place.textContent = asked.getAll(name).join(", ");
}

const post = async (path, body) => {
  const response = await fetch(`/api/auth/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, oauth_query: location.search.slice(1) }),
  });
  const answer = await response.json();
  if (!answer.url) throw new Error(answer.message ?? answer.error ?? "This page needs a program's request.");
  location.assign(answer.url);
};

const actions = {
  signIn: () => post("sign-in/email", { email: form.email.value, password: form.password.value }),
  allow: () => post("oauth2/consent", { accept: true }),
  deny: () => post("oauth2/consent", { accept: false }),
};
form.addEventListener("submit", (event) => {
  event.preventDefault();
  actions[event.submitter.value]().catch((error) => {
    document.getElementById("answer").textContent = error.message;
  });
});
form.querySelector("fieldset").disabled = false;
