import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { hasServer, serverApi } from "./api/server.js";
import { tabApi } from "./api/tab.js";
import { App } from "./app.js";
import { ApiContext } from "./state.js";
import "./style.css";

const root = createRoot(document.getElementById("studio")!);
const api = hasServer() ? serverApi : tabApi({ keep: true });
root.render(
  <StrictMode>
    <ApiContext value={api}>
      <App />
    </ApiContext>
  </StrictMode>,
);
