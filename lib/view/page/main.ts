import { ArchiveApi } from './api/archive-api.js';
import { ArchivePage } from './archive-page.js';
import { element } from './element.js';
import { errorText } from './suggestion.js';

const api = new ArchiveApi();
try {
	const page = new ArchivePage(api, await api.start());
	await page.open();
} catch (error) {
	element('title', HTMLElement).textContent = errorText(error);
}
