import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import type { Picture, PictureFormat } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { ArchiveError, MediaError } from '#lib/errors.js';
import { FfmpegDecoder, type FfmpegDecoderOptions } from '#lib/pictures/ffmpeg-decoder.js';
import { PictureDecoder } from '#lib/pictures/picture-decoder.js';
import type { DecodeFailure } from '#lib/pictures/track-decoder.js';
import { ManualClock } from '../helpers/manual-clock.js';
import { withFfmpeg } from '../helpers/needs.js';
import { writeShellProgram } from '../helpers/program/shell-program.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';

/** More than pipes hold: eight groups of H.264, one a second. */
const film = join('examples', 'media', 'clock.mkv');

interface Program {
	readonly path: string;
	/** Its process id, once it has come to `said`; null before. */
	readonly pid: () => Promise<number | null>;
}

/** A program in place of ffmpeg. `replace OLD NEW` in its body changes an argument, `said` tells the test how far it came. */
async function programOf(t: ExecutionContext, body: string): Promise<Program> {
	const path = join(await temporaryDirectory(t), 'decoder');
	const said = `said() { echo $$ > "$0.new"; mv "$0.new" "$0.said"; }`;
	writeShellProgram(path, `${said}\n${body}`);
	const pid = async (): Promise<number | null> =>
		existsSync(`${path}.said`) ? Number(await readFile(`${path}.said`, 'utf8')) : null;
	return { path, pid };
}

interface Decoding {
	readonly pictures: Picture[];
	readonly failures: DecodeFailure[];
	/** Null where it ended well. */
	readonly error: Promise<unknown>;
}

function decode(
	path: string,
	{ format = 'rgb24', ...options }: FfmpegDecoderOptions & { format?: PictureFormat } = {},
): Decoding {
	const pictures: Picture[] = [];
	const failures: DecodeFailure[] = [];
	const decoder = new PictureDecoder({
		format,
		decoder: new FfmpegDecoder({ path, ...options }),
		onFailure: (failure) => failures.push(failure),
	});
	const run = pipeline(
		async function* () {
			yield await readFile(film);
		},
		new MkvReader(),
		decoder,
		async (source: AsyncIterable<Picture>) => {
			for await (const picture of source) pictures.push(picture);
		},
	);
	const error = run.then(
		() => null,
		(reason: unknown) => reason,
	);
	return { pictures, failures, error };
}

const HANGS = {
	'at its start': 'said; exec sleep 1000',
	'when it has read everything': 'cat > /dev/null; said; exec sleep 1000',
	'in the middle': 'head -c 60000 | ffmpeg "$@"; said; exec sleep 1000',
	'at its end': 'ffmpeg "$@"; said; exec sleep 1000',
	'and ignores signals': `trap '' TERM INT HUP; said; while :; do sleep 1000; done`,
	'but talks': `said; while :; do echo 'still here' >&2; sleep 0.05; done`,
	'in what it says of its pictures': 'said; ffmpeg "$@" 2> /dev/null; exec sleep 1000',
} as const;

for (const [when, body] of Object.entries(HANGS)) {
	withFfmpeg(`a decoder that hangs ${when} ends with an error, and is killed`, async (t) => {
		const { path, pid } = await programOf(t, body);
		const clock = new ManualClock();
		const { pictures, error } = decode(path, { clock });
		let isOver = false;
		const over = error.then((reason) => {
			isOver = true;
			return reason;
		});
		const state = (): string => `over: ${isOver}, ${pictures.length} pictures, ${clock.pending} waits`;
		await until(async () => isOver || (await pid()) !== null, state);
		t.false(isOver, 'nothing is late yet');
		await until(() => {
			clock.advance(60_000);
			return isOver;
		}, state);
		const reason = (await over) as ArchiveError;
		t.true(reason instanceof ArchiveError);
		t.is(reason.code, 'KVS_FFMPEG_FAILED');
		t.regex(
			reason.message,
			/^`.*decoder` timed out after 60 s without progress and was killed.*; check that it is ffmpeg, or /,
		);
		const gone = (await pid()) as number;
		t.throws(() => process.kill(gone, 0), { code: 'ESRCH' });
		t.is(clock.pending, 0);
	});
}

withFfmpeg('a decoder that works does not time out, and leaves no timer', async (t) => {
	const clock = new ManualClock();
	const { pictures, failures, error } = decode('ffmpeg', { clock });
	t.is(await within(error, () => `${pictures.length} pictures`), null);
	t.true(pictures.length > 100);
	t.deepEqual(failures, []);
	t.is(clock.pending, 0, 'no watch is left');
});

/** Changes one argument. */
const replacing = (old: string, value: string): string =>
	`for arg; do shift; [ "$arg" = '${old}' ] && arg='${value}'; set -- "$@" "$arg"; done; ffmpeg "$@"`;

const GARBAGE: readonly [string, PictureFormat, string, RegExp][] = [
	['writes noise', 'rgb24', 'head -c 300000 /dev/urandom', /wrote output that is not Matroska: /],
	['writes text', 'jpg', 'echo usage: decoder', /wrote output that is not Matroska: /],
	[
		'gives a byte a pixel for three',
		'rgb24',
		replacing('rgb24', 'gray'),
		/returned \d+ bytes, where \d+x\d+ in rgb24 takes \d+/,
	],
	[
		'gives two bytes a pixel for one and a half',
		'nv12',
		replacing('nv12', 'yuyv422'),
		/returned \d+ bytes, where \d+x\d+ in nv12 takes \d+/,
	],
	[
		'gives PNG for JPEG',
		'jpg',
		replacing('mjpeg', 'png'),
		/returned \d+ bytes that are not a whole JPG; check/,
	],
	['gives JPEG for PNG', 'png', replacing('png', 'mjpeg'), /returned \d+ bytes that are not a whole PNG/],
	[
		'repeats pictures without an end',
		'rgb24',
		replacing(
			'metadata=add:key=picture:value=1,metadata=print',
			'metadata=add:key=picture:value=1,loop=loop=-1:size=1,metadata=print',
		),
		/returned \d+ pictures for \d+ frames/,
	],
];

for (const [what, format, body, message] of GARBAGE) {
	withFfmpeg(`a decoder that ${what} fails as a decoder, not as a media error`, async (t) => {
		const { path } = await programOf(t, body);
		const { pictures, error } = decode(path, { format });
		const reason = await within(error, () => `${pictures.length} pictures`);
		t.true(reason instanceof ArchiveError && !(reason instanceof MediaError), String(reason));
		const { code, message: text } = reason as ArchiveError;
		t.is(code, 'KVS_FFMPEG_FAILED');
		t.regex(text, message);
		t.true(text.includes(path));
		// Of one that repeats a picture, that one is right.
		t.true(pictures.length <= 1);
	});
}

test('a decoder that exits with code 0 before the end of its input fails every frame', async (t) => {
	const { path } = await programOf(t, 'head -c 1000 > /dev/null');
	const { pictures, failures, error } = decode(path);
	t.is(await within(error, () => `${failures.length} failures`), null);
	t.is(pictures.length, 0);
	t.true(failures.length > 100);
	const [first] = failures;
	t.is(first?.message, `\`${path}\` ended with code 0 before its input was over`);
});

test('a killed decoder fails every frame it has not decoded, with its signal and last message', async (t) => {
	const complaint = "echo '[error] a frame is damaged' >&2";
	const { path } = await programOf(t, `head -c 1000 > /dev/null; ${complaint}; kill -9 $$`);
	const { failures, error } = decode(path);
	t.is(await within(error, () => `${failures.length} failures`), null);
	t.true(failures.length > 100);
	t.is(failures[0]?.message, `\`${path}\` ended by SIGKILL: a frame is damaged`);
});

interface Lack {
	/** Of the program's script; one that does what ffmpeg does by default. */
	readonly body?: string;
	readonly options?: FfmpegDecoderOptions & { readonly format?: PictureFormat };
	readonly message: RegExp;
}

const LACKS: Readonly<Record<string, Lack>> = {
	'an encoder': {
		body: replacing('libwebp', 'libwebp_of_later'),
		options: { format: 'webp' },
		message: /cannot write webp pictures: .*: Unknown encoder 'libwebp_of_later'$/,
	},
	'an option': {
		body: replacing('-enc_time_base', '-option_of_later'),
		message: /does not know an option or a filter .*: Unrecognized option 'option_of_later'/,
	},
	'levels in its log': {
		body: `echo 'Invalid loglevel "level+debug". Possible levels are numbers or:' >&2; echo '"quiet"' >&2; exit 1`,
		message: /does not know an option or a filter .*: Invalid loglevel "level\+debug"$/,
	},
	'the device': {
		options: { args: ['-hwaccel', 'cuda'] },
		message: /cannot decode with `-hwaccel cuda` on this machine: .*device type cuda needed for codec h264$/,
	},
	'the device that its script names': {
		body: 'exec ffmpeg -hwaccel cuda "$@"',
		message:
			/decoder` cannot open its hardware device on this machine; use another device, or decode in software: .*device type cuda needed/,
	},
	'the decoder': {
		options: { args: ['-c:v', 'h264_of_later'] },
		message: /cannot decode with `-c:v h264_of_later` on this machine: Unknown decoder/,
	},
	'the filter': {
		options: { filter: 'later' },
		message: /does not take the filter `later`: No such filter: 'later'$/,
	},
};

for (const [what, { body = 'exec ffmpeg "$@"', options, message }] of Object.entries(LACKS)) {
	withFfmpeg(
		`a decoder that lacks ${what} ends with an error that gives the cause, and fails no frame`,
		async (t) => {
			const { path } = await programOf(t, body);
			const { pictures, failures, error } = decode(path, options);
			const reason = await within(error, () => `${pictures.length} pictures`);
			t.true(reason instanceof ArchiveError && !(reason instanceof MediaError), String(reason));
			t.is((reason as ArchiveError).code, 'KVS_FFMPEG_FAILED');
			t.regex((reason as ArchiveError).message, message);
			t.deepEqual([pictures, failures], [[], []]);
		},
	);
}

withFfmpeg('a filter of the caller has its effect, on every picture', async (t) => {
	const [plain, negated] = [decode('ffmpeg'), decode('ffmpeg', { filter: 'format=rgb24,negate' })];
	t.deepEqual([await plain.error, await negated.error], [null, null]);
	t.is(negated.pictures.length, plain.pictures.length);
	for (const [index, { data }] of plain.pictures.entries()) {
		const inverse = negated.pictures[index]?.data ?? [];
		t.is(
			data.findIndex((level, place) => level + (inverse[place] as number) !== 255),
			-1,
		);
	}
});

for (const timeoutMs of [0, -1, Number.NaN]) {
	test(`a timeout of ${timeoutMs} is not valid`, (t) => {
		t.throws(() => new FfmpegDecoder({ timeoutMs }), { code: 'KVS_INVALID_OPTION', message: /`timeoutMs`/ });
	});
}
