// First of all: what is imported later reads the address.
import { arrived } from './session/arrived';
import '@cloudscape-design/global-styles/index.css';
import './shell/page.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { login } from './session/login';
import { startTheme } from './shell/theme';

startTheme();

// A token that is no longer good is no reason for a blank page: the first call asks for another.
const entering = arrived === '' ? Promise.resolve() : login.enter(arrived).catch(() => undefined);

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
