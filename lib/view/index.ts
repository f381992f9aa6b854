export { openBrowser } from './open-browser.js';
export { createViewServer } from './view-server.js';
