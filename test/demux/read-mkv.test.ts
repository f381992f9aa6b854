import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { MediaError, readFragmentHeader, readMkv } from 'kvs-archive/mkv';
import { chromium } from 'playwright-core';
import { element, master } from '#lib/ebml/ebml-writer.js';
import { collect } from '../helpers/collect.js';
import { audioTrack, recording } from '../helpers/media/payload.js';
import { CHROMIUM, testWith } from '../helpers/needs.js';
import { run } from '../helpers/tools.js';
import { cutAt, readEvents } from './read-events.js';

const media = recording(3);

test('the same events come out as of a reader, however the chunks are handed in', async (t) => {
	const expected = JSON.stringify(readEvents([media]).events);
	const chunks = cutAt(media, [5, 100, 1000]);
	const stream = new ReadableStream<Uint8Array>({
		start(controller) {
			for (const chunk of chunks) controller.enqueue(chunk);
			controller.close();
		},
	});
	async function* later(): AsyncGenerator<Uint8Array> {
		yield* chunks;
	}
	for (const source of [chunks, later(), stream]) {
		t.is(JSON.stringify(await collect(readMkv(source))), expected);
	}
});

test('malformed bytes are an error after the events before them, and with resync an event', async (t) => {
	const bytes = Buffer.concat([media, Buffer.alloc(9), media]);
	const seen: string[] = [];
	const read = async (): Promise<void> => {
		for await (const { type } of readMkv([bytes])) seen.push(type);
	};
	await t.throwsAsync(read, { instanceOf: MediaError, code: 'KVS_MKV_MALFORMED' });
	t.is(seen.filter((type) => type === 'fragment-end').length, 3);
	const events = await collect(readMkv([bytes], { resync: true }));
	t.is(events.filter(({ type }) => type === 'fragment-end').length, 6);
	t.is(events.filter(({ type }) => type === 'fragment-failure').length, 1);
});

test('malformed bytes that only the end of the payload decides fail their fragment too', async (t) => {
	// What may be an EBML header of 255 bytes is looked at again when no more bytes come, and then the Tracks after it.
	const undecided = element('Void', [Buffer.from('1a45dfa340ff', 'hex')]);
	const bytes = Buffer.concat([media, ...undecided, ...master('Tracks', [audioTrack])]);
	const seen: string[] = [];
	const read = async (): Promise<void> => {
		for await (const { type } of readMkv([bytes])) seen.push(type);
	};
	await t.throwsAsync(read, { instanceOf: MediaError, message: /another Tracks/ });
	t.deepEqual(seen.slice(-3), ['frame', 'fragment-failure', 'fragment-end']);
});

test('the header of a fragment is read without its media, and no further than it needs', async (t) => {
	let isOver = false;
	const cluster = media.indexOf(Buffer.from('1f43b675', 'hex'));
	function* chunks(): Generator<Uint8Array> {
		try {
			yield media.subarray(0, cluster + 20);
			throw new Error('read further than the first Cluster');
		} finally {
			isOver = true;
		}
	}
	const header = await readFragmentHeader(chunks());
	t.true(isOver);
	t.deepEqual(JSON.stringify(header), JSON.stringify(readEvents([media]).events[0]));
	t.is(await readFragmentHeader([]), null);
});

test('the entry loads nothing of AWS', async (t) => {
	const program =
		"import 'kvs-archive/mkv'; import { createRequire } from 'node:module'; " +
		'const names = process.moduleLoadList.concat(Object.keys(createRequire(import.meta.url).cache)); ' +
		'console.log(names.filter((name) => /aws|smithy|mediabunny|bottleneck|node:http$/.test(name)).length);';
	const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program]);
	t.deepEqual({ stdout, stderr }, { stdout: '0\n', stderr: '' });
});

testWith(CHROMIUM)('the core reads the body of a fetch response in a browser', async (t) => {
	const server = createServer((request, response) => {
		if (request.url === '/media') {
			response.end(media);
			return;
		}
		if (request.url === '/') {
			response.setHeader('Content-Type', 'text/html').end('<!doctype html>');
			return;
		}
		response.setHeader('Content-Type', 'text/javascript');
		const file = resolve('dist', `.${request.url}`);
		pipeline(createReadStream(file), response).catch(() => response.destroy());
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const browser = await chromium.launch({
		executablePath: CHROMIUM,
		args: ['--no-sandbox', '--disable-gpu'],
	});
	try {
		const page = await browser.newPage();
		await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
		const program = `(async () => {
			const { readMkv } = await import('/mkv-core.js');
			const { body } = await fetch('/media');
			const events = [];
			for await (const event of readMkv(body)) events.push(event);
			return JSON.stringify(events);
		})()`;
		t.is(await page.evaluate(program), JSON.stringify(readEvents([media]).events));
	} finally {
		await browser.close();
		server.close();
		server.closeAllConnections();
	}
	const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as {
		exports: Record<string, { browser?: string }>;
	};
	t.is(exports['./mkv']?.browser, './dist/mkv-core.js');
});
