import { Empty } from "../components/ui/panel.tsx";

export default function NotFound() {
  return (
    <main>
      <Empty title="There is no such page">
        <a href="/">Open Mission Control</a>
      </Empty>
    </main>
  );
}
