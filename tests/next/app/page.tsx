import { headers } from "next/headers";
import { Suspense } from "react";
import { auth } from "@/lib/auth";
import { Account, AddTask } from "./client";

export default function Page() {
  return (
    <Suspense>
      <Tasks />
    </Suspense>
  );
}

async function Tasks() {
  // The cookies of the request say who asks.
  const request = { headers: await headers() };
  const session = await auth.api.getSession(request);
  if (!session) return <Account />;

  const { token } = await auth.api.getToken(request);
  const url = `${process.env.API_URL}/api/${session.user.id}/tasks`;
  const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`the API answered ${response.status}`);
  const tasks: { id: number; title: string }[] = await response.json();
  return (
    <>
      <ul>
        {tasks.map(({ id, title }) => (
          <li key={id}>{title}</li>
        ))}
      </ul>
      <AddTask user={session.user.id} />
    </>
  );
}
