import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import { makeRecording } from '../../helpers/media/recordings.js';
import { type StartedServer, startServer } from '../../helpers/service/start-server.js';

/** When the recordings of these tests begin, epoch milliseconds. */
export const T0 = 1_700_000_000_000;

/** What GetImages gives at a time. */
export interface GivenImage {
	/** After {@link T0}. */
	readonly ms: number;
	readonly error: string | null;
	/** Null with an error. */
	readonly bytes: Buffer | null;
}

/** A server with a stream `cam`, and a call that gives all pages of its images. */
export interface ImageServer extends StartedServer {
	/** Members that differ from those of a second's images in PNG, by the producer's clock; times after {@link T0}. */
	readonly images: (members?: Members) => Promise<GivenImage[]>;
}

/** `fromMs` and `toMs` are times after {@link T0}; the others are of the service. */
export type Members = { readonly fromMs?: number; readonly toMs?: number } & Record<string, unknown>;

/** The members of a request. */
export function membersOf({ fromMs = 0, toMs = 1000, ...members }: Members = {}): Record<string, unknown> {
	return {
		StreamName: 'cam',
		ImageSelectorType: 'PRODUCER_TIMESTAMP',
		StartTimestamp: (T0 + fromMs) / 1000,
		EndTimestamp: (T0 + toMs) / 1000,
		SamplingInterval: 200,
		Format: 'PNG',
		...members,
	};
}

/** Starts a server and ingests a recording that ffmpeg makes, beginning at {@link T0}. */
export async function startImages(
	t: ExecutionContext,
	recording: readonly string[],
	options: ArchiveServerOptions = {},
): Promise<ImageServer> {
	const started = await startServer(t, options);
	await started.server.archive.ingest('cam', await makeRecording(recording), { start: new Date(T0) });
	return { ...started, images };

	async function images(members?: Members): Promise<GivenImage[]> {
		const given: GivenImage[] = [];
		let token: string | null = null;
		do {
			const body = { ...membersOf(members), ...(token !== null && { NextToken: token }) };
			const { status, json } = await started.call('GetImages', body);
			if (status !== 200) throw new Error(`${status}: ${JSON.stringify(json)}`);
			for (const { TimeStamp, Error: error, ImageContent } of json.Images) {
				const bytes = ImageContent === null ? null : Buffer.from(ImageContent, 'base64');
				given.push({ ms: Math.round(TimeStamp * 1000) - T0, error, bytes });
			}
			token = json.NextToken;
		} while (token !== null);
		return given;
	}
}

/** A picture as ffmpeg decodes it. */
export interface SourcePicture {
	/** From the recording's first frame on. */
	readonly ms: number;
	readonly hash: string;
}

/** What ffmpeg makes of a recording's video, in the order of presentation: `output` is its filters and encoder. */
export async function sourcePictures(
	recording: readonly string[],
	output: readonly string[] = ['-pix_fmt', 'rgb24'],
): Promise<SourcePicture[]> {
	const file = await makeRecording(recording);
	const args = [
		'-i',
		file,
		'-map',
		'0:v:0',
		'-fps_mode',
		'passthrough',
		'-enc_time_base',
		'1/1000',
		...output,
	];
	const rows = await framehash(args);
	// Audio may begin before.
	const firstMs = rows[0]?.ms ?? 0;
	return rows.map(({ ms, hash }) => ({ ms: ms - firstMs, hash }));
}

/** The picture that is shown at a time; undefined before the first. */
export function shownAt(pictures: readonly SourcePicture[], ms: number): string | undefined {
	return pictures.findLast((picture) => picture.ms <= ms)?.hash;
}

/** Hashes of PNGs or JPEGs, decoded. */
export async function decodedImages(images: readonly (Buffer | null)[], codec = 'png'): Promise<string[]> {
	const input = Buffer.concat(images.filter((image) => image !== null));
	const args = ['-f', 'image2pipe', '-c:v', codec, '-i', 'pipe:0', '-pix_fmt', 'rgb24'];
	return (await framehash(args, input)).map(({ hash }) => hash);
}

/** Width and height of a PNG. */
export function pngSize(png: Buffer): [number, number] {
	return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

export function md5(bytes: Uint8Array): string {
	return createHash('md5').update(bytes).digest('hex');
}

async function framehash(args: readonly string[], input?: Buffer): Promise<SourcePicture[]> {
	const child = spawn(
		'ffmpeg',
		['-nostdin', '-v', 'error', ...args, '-f', 'framehash', '-hash', 'md5', '-'],
		{
			stdio: ['pipe', 'pipe', 'inherit'],
		},
	);
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	let text = '';
	for await (const chunk of child.stdout) text += chunk;
	return text
		.split('\n')
		.filter((line) => /^\d/.test(line))
		.map((line) => line.split(',').map((field) => field.trim()))
		.map((fields) => ({ ms: Number(fields[2]), hash: fields[5] as string }));
}
