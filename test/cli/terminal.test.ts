import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { colors, renderLine } from '#lib/cli/colors.js';
import { Terminal } from '#lib/cli/terminal.js';
import { failureDocument, fragmentDocument, fragmentNumber, trackEntry } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import {
	type Behaviours,
	listed,
	sendJson,
	startHostileService,
} from '../helpers/service/hostile-service.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { temporaryDirectory } from '../helpers/tools.js';

setEnvironment({ AWS_ACCESS_KEY_ID: undefined, AWS_PROFILE: undefined, AWS_ENDPOINT_URL: undefined });

/** Colours, a forged line, C1, DEL, separators of lines and paragraphs, and text that runs backwards. */
const EVIL = 'V\u001b[31m\r\nforged\u0007\u009b1m\u007f\u2028\u2029\u202egnp\u2066';

/** What of it a person sees. */
const SEEN = /V\ufffd\[31m\ufffd?\ufffd?\s?forged\ufffd\ufffd1m\ufffd/;

const UNPRINTABLE = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const media = fragmentDocument({
	number: fragmentNumber(1),
	producerMs: startMs,
	tracks: [trackEntry(1, 'video', EVIL)],
});

const anyText = fc.string({
	unit: fc.oneof(fc.nat(0x2100).map(String.fromCharCode), fc.constantFrom(...EVIL.split(''))),
});

testProp(
	'a printed line has no terminal control character, whatever its text',
	[fc.array(anyText)],
	(t, texts) => {
		const line = texts.map((text, index) => (index % 2 === 0 ? text : colors.red(text)));
		t.notRegex(renderLine(line, { isColored: false }), UNPRINTABLE);
		t.false(renderLine(line, { isColored: false }).includes('\n'));
		const colored = renderLine(line, { isColored: true });
		const escapes = colored.split('\u001b').length - 1;
		t.is(escapes, 2 * Math.floor(texts.length / 2));
		t.notRegex(colored.replaceAll('\u001b[31m', '').replaceAll('\u001b[39m', ''), UNPRINTABLE);
	},
);

test('text in any script, and what is made of several characters, stays as it is', (t) => {
	for (const text of ['Ünïcödé', '正面玄関', 'שלום', 'e\u0301', '👩‍👩‍👧', 'a  b']) {
		t.is(renderLine(text, { isColored: false }), text);
	}
});

test('a stdout that cannot be written is said in words, and how', async (t) => {
	const failing = (code: string) =>
		new Writable({
			write(_chunk, _encoding, callback) {
				callback(Object.assign(new Error(`${code}: no, write`), { code }));
			},
		}) as unknown as NodeJS.WriteStream;
	const full = new Terminal(failing('ENOSPC'), failing('EIO'));
	await t.throwsAsync(
		async () => {
			// The first may be taken before the system refuses it.
			for (let line = 0; line < 3; line++) await full.write([`${line}`.repeat(65_536)]);
		},
		{ code: 'KVS_SINK_FAILED', message: 'cannot write to stdout: the disk is full (ENOSPC)' },
	);
	await t.throwsAsync(full.writeJson([]), { code: 'KVS_SINK_FAILED' });
	const gone = new Terminal(failing('EPIPE'));
	await t.throwsAsync(gone.writeBytes(Buffer.alloc(65_536)), { code: 'EPIPE' });
});

/** A command line against a service; every line of it printable, on stdout and stderr. */
async function shown(
	t: ExecutionContext,
	behaviours: Behaviours,
	args: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
	const service = await startHostileService(t, behaviours, new StandstillClock(0));
	const range = ['--from', '2026-01-31', '--to', '2026-01-31T01:00:00Z', '--by', 'producer'];
	const at = ['--stream', 'door', '--endpoint', service.endpoint, ...range];
	const { stdout, stderr } = await commandLine([...args, ...at]);
	t.notRegex(stdout, UNPRINTABLE);
	t.notRegex(stderr, UNPRINTABLE);
	return { stdout, stderr };
}

const evilMedia: Behaviours = {
	listFragments: ({ response }) =>
		sendJson(response, { Fragments: [listed(0, { FragmentSizeInBytes: media.byteLength })] }),
	getMediaForFragmentList: ({ response }) => void response.end(media),
};

test('a reader that closes stdout without an error is gone, before a write and during one', async (t) => {
	const stdoutOf = (): NodeJS.WriteStream =>
		new PassThrough({ highWaterMark: 1 }) as unknown as NodeJS.WriteStream;
	const closed = stdoutOf();
	const before = new Terminal(closed);
	closed.destroy();
	await t.throwsAsync(before.writeBytes(Buffer.from('ab')), { code: 'EPIPE' });
	await t.throwsAsync(before.writeJson([{}]), { code: 'EPIPE' });
	const full = stdoutOf();
	const during = new Terminal(full);
	const writing = during.writeBytes(Buffer.alloc(100_000));
	full.destroy();
	await t.throwsAsync(writing, { code: 'EPIPE' });
	t.is(full.listenerCount('close'), 0);
});

test('inspect prints codec ids that are printable, and exact ones in JSON', async (t) => {
	const file = join(await temporaryDirectory(t), 'escapes.mkv');
	await writeFile(file, media);
	const { code, stdout } = await commandLine(['inspect', file]);
	t.is(code, 0);
	t.notRegex(stdout, UNPRINTABLE);
	t.regex(stdout, SEEN);
	t.is(stdout.trim().split('\n').length, 3);
	const [fragment = ''] = (await commandLine(['inspect', file, '--json'])).stdout.split('\n');
	t.is((JSON.parse(fragment) as { tracks: { codecId: string }[] }).tracks[0]?.codecId, EVIL);
});

test('events, timeline and export print codec ids that are printable', async (t) => {
	const file = join(await temporaryDirectory(t), 'x.mp4');
	for (const [lines, args] of [
		[3, ['events']],
		[2, ['timeline']],
		[1, ['export', '-o', file]],
	] as const) {
		const { stdout, stderr } = await shown(t, evilMedia, args);
		const text = `${stdout}${stderr}`;
		t.regex(text, SEEN, args[0]);
		t.is(text.trim().split('\n').length, lines, text);
	}
});

test('events prints messages of failures that are printable', async (t) => {
	const failure = failureDocument({
		FRAGMENT_NUMBER: fragmentNumber(1),
		ERROR_CODE: EVIL,
		ERROR_ID: '4501',
		EXCEPTION_MESSAGE: EVIL,
	});
	const does: Behaviours = {
		...evilMedia,
		getMediaForFragmentList: ({ response }) => void response.end(failure),
	};
	const { stdout } = await shown(t, does, ['events']);
	t.regex(stdout, SEEN);
	t.is(stdout.trim().split('\n').length, 1, stdout);
});

test('errors of the service, URLs and names of files are printable', async (t) => {
	const fails: Behaviours = {
		listFragments: ({ response }) =>
			sendJson(response, { __type: 'InvalidArgumentException', message: EVIL }, 400),
		getHLSStreamingSessionURL: ({ response }) =>
			sendJson(response, { HLSStreamingSessionURL: `http://127.0.0.1/${EVIL}` }),
	};
	for (const args of [['list'], ['list', '--verbose'], ['events'], ['timeline'], ['hls']]) {
		const { stdout, stderr } = await shown(t, fails, args);
		t.regex(`${stdout}${stderr}`, SEEN, args.join(' '));
		if (!args.includes('--verbose'))
			t.is(`${stdout}${stderr}`.trim().split('\n').length, args[0] === 'hls' ? 2 : 1);
	}
	for (const args of [
		['inspect', EVIL],
		['verify', EVIL],
		[EVIL],
		['list', '--stream', EVIL],
		['serve', '--port', '0', '--ingest', `door=${EVIL}`],
	]) {
		const { code, stdout, stderr } = await commandLine(args);
		t.not(code, 0);
		t.is(stdout, '');
		t.notRegex(stderr, UNPRINTABLE);
		t.is(stderr.split('\n').length, 2, stderr);
	}
});
