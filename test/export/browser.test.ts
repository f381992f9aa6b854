import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type ExportOptions, KvsArchive } from 'kvs-archive';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHROMIUM, withChromium } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'];

const start = new Date(Date.UTC(2026, 0, 31));
const clip = resolve('examples/media/clock.mkv');

/** Gives out files in ranges, as any web server does. */
async function respond(directory: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
	if (request.url === '/') {
		response.setHeader('Content-Type', 'text/html');
		response.end('<video id="video" muted></video>');
		return;
	}
	const path = join(directory, basename(request.url ?? ''));
	const found = await stat(path).catch(() => null);
	if (found === null) {
		response.writeHead(404).end();
		return;
	}
	const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
	const last = to === '' ? found.size - 1 : Number(to);
	const bytes = Buffer.alloc(last + 1 - Number(from));
	const handle = await open(path);
	await handle.read(bytes, 0, bytes.byteLength, Number(from));
	await handle.close();
	response.writeHead(206, {
		'Accept-Ranges': 'bytes',
		'Content-Range': `bytes ${from}-${last}/${found.size}`,
	});
	response.end(bytes);
}

/** A page that plays files of a directory. */
async function openPage(t: ExecutionContext, directory: string): Promise<Page> {
	const server = createServer((request, response) => {
		respond(directory, request, response).catch(() => response.destroy());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	let browser: Browser | null = null;
	t.teardown(async () => {
		await browser?.close();
		server.close();
		server.closeAllConnections();
	});
	browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
	const page = await browser.newPage();
	await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
	return page;
}

/** What Chromium makes of a file: how long it is, how large its video is, and where it is after a seek. Runs in the browser. */
const LOOK = `async ({ url, seconds }) => {
	const video = document.getElementById('video');
	const event = (name) => new Promise((resolve, reject) => {
		video.addEventListener(name, resolve, { once: true });
		video.addEventListener('error', () => reject(new Error(video.error?.message ?? 'error')), { once: true });
	});
	video.src = url;
	await event('loadedmetadata');
	const { duration, videoWidth: width } = video;
	await video.play();
	await event('timeupdate');
	const sought = event('seeked');
	video.currentTime = seconds;
	await sought;
	const at = video.currentTime;
	await event('timeupdate');
	return { duration, width, at };
}`;

withChromium('Chromium opens, plays and seeks what is exported', async (t) => {
	const { endpoint } = await startArchive(t, { door: clip }, { start });
	await using archive = new KvsArchive({ streamName: 'door', endpoint });
	const range = { from: start, to: new Date(start.getTime() + 60_000), by: 'producer' } as const;
	const directory = await temporaryDirectory(t);
	const page = await openPage(t, directory);
	for (const [name, options, width] of [
		['fragmented.mp4', {}, 320],
		['classic.mp4', { faststart: true }, 320],
		['audio.m4a', { tracks: ['audio'] }, 0],
		['all.mkv', {}, 320],
	] as [string, ExportOptions, number][]) {
		const { files } = await archive.export(range, join(directory, name), options);
		const seen = await page.evaluate<{ duration: number; width: number; at: number }>(
			`(${LOOK})(${JSON.stringify({ url: `/${name}`, seconds: 9.5 })})`,
		);
		t.is(seen.width, width, name);
		t.true(Math.abs(seen.at - 9.5) < 0.04, `${name}: at ${seen.at}`);
		t.true(
			Math.abs(seen.duration - (files[0]?.durationMs ?? 0) / 1000) < 0.05,
			`${name}: ${seen.duration} s`,
		);
	}
});
