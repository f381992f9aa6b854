import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { sharedBrowser } from '../helpers/browser.js';

/** How long anything is waited for. */
const LIMIT_MS = 90_000;

/** How long a test may take on a machine that is busy. */
export const TEST_LIMIT_MS = 600_000;

/** Enough for 81 seconds. */
const STRIPES = 11;

/** A film whose frames carry their number: stripes along their top, of which each is black or white. 25 frames a second. */
export async function countedFilm(
	directory: string,
	name: string,
	{
		seconds,
		size,
		hasAudio,
	}: { readonly seconds: number; readonly size: string; readonly hasAudio: boolean },
): Promise<string> {
	const file = join(directory, name);
	const [width = 0, height = 0] = size.split('x').map(Number);
	const stripesHeight = height / 6;
	const stripes = `color=black:s=${STRIPES}x2:r=25:d=${seconds},format=gray,geq=lum='255*mod(floor(N/pow(2,X)),2)',scale=${width}:${stripesHeight}:flags=neighbor,format=yuv420p`;
	const picture = `testsrc2=s=${width}x${height - stripesHeight}:r=25:d=${seconds},format=yuv420p`;
	const inputs = [stripes, picture, ...(hasAudio ? [`sine=d=${seconds}`] : [])].flatMap((source) => [
		'-f',
		'lavfi',
		'-i',
		source,
	]);
	const audio = hasAudio ? ['-map', '2:a', '-c:a', 'aac'] : [];
	const args = ['-v', 'error', ...inputs, '-filter_complex', '[0][1]vstack[v]', '-map', '[v]', ...audio];
	const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-bf', '0'];
	await promisify(execFile)('ffmpeg', [...args, ...codec, file]);
	return file;
}

/** The page in a browser, with what went wrong in it; closed with the test. */
export async function openPage(
	t: ExecutionContext,
	address: string,
	options: BrowserContextOptions = {},
): Promise<{ page: Page; errors: string[] }> {
	t.timeout(TEST_LIMIT_MS);
	const context = await (await sharedBrowser()).newContext({
		viewport: { width: 1200, height: 1000 },
		...options,
	});
	const page = await context.newPage();
	page.setDefaultTimeout(LIMIT_MS);
	t.teardown(() => context.close());
	const errors: string[] = [];
	page.on('pageerror', (error) => errors.push(error.message));
	page.on('request', (request) => {
		const { origin, protocol } = new URL(request.url());
		if (origin !== new URL(address).origin && protocol !== 'blob:' && protocol !== 'data:') {
			errors.push(`a request to ${origin}`);
		}
	});
	await page.goto(address);
	return { page, errors };
}

/** The number of the frame that is shown. */
export function shownFrame(page: Page): Promise<number> {
	return page.evaluate(`(() => {
		const video = document.querySelector('video');
		const canvas = new OffscreenCanvas(${20 * STRIPES}, 20);
		const context = canvas.getContext('2d');
		context.drawImage(video, 0, 0, canvas.width, 20);
		let number = 0;
		for (let bit = 0; bit < ${STRIPES}; bit++) {
			const [red] = context.getImageData(bit * 20 + 10, 1, 1, 1).data;
			if (red > 128) number += 2 ** bit;
		}
		return number;
	})()`);
}

/** The time that the page says is shown, epoch milliseconds. */
export async function shownMs(page: Page): Promise<number> {
	const text = (await page.locator('#shown-time').textContent()) ?? '';
	const [, date, time] = /^(\S+) (\S+) UTC/.exec(text) ?? [];
	return Date.parse(`${date}T${time}Z`);
}

/**
 * Waits until an expression is true in the page. Playwright's own way evaluates texts in the page, which its policy forbids.
 */
export async function waitUntil(page: Page, expression: string): Promise<void> {
	const isSo = await page.evaluate(`new Promise((resolve) => {
		const until = performance.now() + ${LIMIT_MS};
		const look = () => {
			if (${expression}) resolve(true);
			else if (performance.now() > until) resolve(false);
			else setTimeout(look, 30);
		};
		look();
	})`);
	if (isSo) return;
	const said = await page.locator('#message').textContent();
	throw new Error(`waited for ${expression}; the page says: ${said}`);
}

/** Waits until the time that is shown is at or after one. */
export async function waitForShown(page: Page, ms: number): Promise<void> {
	const text = "document.getElementById('shown-time').textContent";
	await waitUntil(page, `Date.parse(${text}.slice(0, 23).replace(' ', 'T') + 'Z') >= ${ms}`);
}

/** Waits until an element's text matches. */
export async function waitForText(page: Page, id: string, pattern: RegExp): Promise<string> {
	await waitUntil(page, `${pattern}.test(document.getElementById('${id}').textContent)`);
	return (await page.locator(`#${id}`).textContent()) ?? '';
}

/** Goes to a time, as one who types it. */
export async function goTo(page: Page, ms: number): Promise<void> {
	await page.fill('#go-to-time', new Date(ms).toISOString());
	await page.click('#go-to button');
}

/** Colour of a pixel of the timeline, as `r,g,b`, and the one that a name of the page's colours means. */
export async function timelineColor(page: Page, share: number, y: number): Promise<string> {
	return page.evaluate(`(() => {
		const canvas = document.getElementById('canvas');
		const ratio = canvas.width / canvas.clientWidth;
		const [r, g, b] = canvas.getContext('2d').getImageData(Math.round(canvas.width * ${share}), Math.round(${y} * ratio), 1, 1).data;
		return r + ',' + g + ',' + b;
	})()`);
}

/** The same of a named colour. */
export async function namedColor(page: Page, name: string): Promise<string> {
	return page.evaluate(`(() => {
		const canvas = new OffscreenCanvas(1, 1);
		const context = canvas.getContext('2d');
		context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim();
		context.fillRect(0, 0, 1, 1);
		const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
		return r + ',' + g + ',' + b;
	})()`);
}

/** A screenshot for the documents, where KVS_SCREENSHOTS names a directory for them. */
export async function screenshot(page: Page, name: string): Promise<void> {
	const directory = process.env['KVS_SCREENSHOTS'];
	if (directory === undefined) return;
	await mkdir(directory, { recursive: true });
	await page.screenshot({ path: join(directory, `${name}.png`) });
}

/** What is saved by a click. */
export async function downloadOf(page: Page, click: () => Promise<void>, path: string): Promise<string> {
	const [download] = await Promise.all([page.waitForEvent('download'), click()]);
	await download.saveAs(path);
	return download.suggestedFilename();
}
