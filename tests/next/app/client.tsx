"use client";

import { useRouter } from "next/navigation";
import { authClient, call, forgetToken } from "@/lib/auth-client";

export function Account() {
  const router = useRouter();
  const signUp = async (form: FormData) => {
    forgetToken();
    const [email, password] = [`${form.get("email")}`, `${form.get("password")}`];
    const { error } = await authClient.signUp.email({ name: email, email, password });
    if (error) return alert(error.message);
    router.refresh();
  };
  return (
    <form action={signUp}>
      <input name="email" type="email" placeholder="e-mail" />
      <input name="password" type="password" placeholder="password" />
      <button>Sign up</button>
    </form>
  );
}

export function AddTask({ user }: { user: string }) {
  const router = useRouter();
  const add = async (form: FormData) => {
    const response = await call(`/api/${user}/tasks`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ title: form.get("title") }),
    });
    if (!response.ok) return alert(`the API answered ${response.status}`);
    router.refresh();
  };
  return (
    <form action={add}>
      <input name="title" placeholder="title" />
      <button>Add</button>
    </form>
  );
}
