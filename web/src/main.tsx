import '@cloudscape-design/global-styles/index.css';
import './shell/page.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { login, tokenIn } from './session/login';
import { startTheme } from './shell/theme';

startTheme();

// The one-time token arrives in the fragment, which no server and no log sees. It
// is gone from the address before anything else is drawn.
const arrived = location.hash;
const entering = arrived.includes('token=') ? login.enter(tokenIn(arrived)).catch(() => undefined) : Promise.resolve();
if (arrived.includes('token=')) history.replaceState(null, '', `${location.pathname}#/`);

const root = document.getElementById('root');
if (root) {
  void entering.then(() =>
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    ),
  );
}
