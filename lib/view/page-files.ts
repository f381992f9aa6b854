import { readFile } from 'node:fs/promises';
import { packageFile } from '../package-file.js';
import type { ViewReply } from './view-reply.js';

const contentTypes: Readonly<Record<string, string>> = {
	'index.html': 'text/html; charset=utf-8',
	'main.js': 'text/javascript; charset=utf-8',
	'main.css': 'text/css; charset=utf-8',
	'icon.svg': 'image/svg+xml',
};

/** A file of the page, as it was built into the package; null for any other name. */
export async function pageFile(name: string): Promise<ViewReply | null> {
	const contentType = Object.hasOwn(contentTypes, name) ? contentTypes[name] : undefined;
	if (contentType === undefined) return null;
	return { contentType, body: await readFile(packageFile(`dist/view/page/${name}`)) };
}
