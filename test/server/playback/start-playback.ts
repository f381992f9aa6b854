import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import * as HLS from 'hls-parser';
import { element, master, type Slices, unsigned } from '#lib/ebml/ebml-writer.js';
import type { ArchiveServerOptions, RequestRecord } from '#lib/server/index.js';
import { type FragmentFixture, fragmentDocument, trackEntry } from '../../helpers/media/payload.js';
import { type Json, type StartedServer, startServer } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';

HLS.setOptions({ strictMode: true });

/** When recordings of the tests begin, on the producer's clock. */
export const START_MS = Date.UTC(2026, 0, 31);

/** AVC decoder configuration records of x264: 320×240 and 480×360. */
export const smallAvc = Buffer.from(
	'0164000dffe100176764000dacb20283f60220000003002000000641e2854901000668ebc3cb22c0fdf8f800',
	'hex',
);
export const largeAvc = Buffer.from(
	'01640015ffe1001a67640015acd941e0bfe5c044000003000400000300c83c58b65801000668ebe3cb22c0fdf8f800',
	'hex',
);

/** AudioSpecificConfig of AAC-LC, 48 kHz, stereo. */
export const aacConfig = Buffer.from('1190', 'hex');

/** A TrackEntry with that CodecPrivate, if any. */
export function codedTrack(
	number: number,
	codecId: string,
	codecPrivate: Uint8Array | null,
	type: 'video' | 'audio' = codecId.startsWith('V') ? 'video' : 'audio',
): Uint8Array[] {
	const more: Slices[] = codecPrivate === null ? [] : [element('CodecPrivate', [codecPrivate])];
	if (type === 'audio') more.push(master('Audio', [unsigned('Channels', 2)]));
	return trackEntry(number, type, codecId, more);
}

export const videoTrack = codedTrack(1, 'V_MPEG4/ISO/AVC', smallAvc);
export const audioTrack = codedTrack(2, 'A_AAC', aacConfig);

/** A fragment of two seconds, fifty frames; the `index`-th of its recording. */
export function videoFragment(
	index: number,
	more: Partial<FragmentFixture> & { frames?: number; stepMs?: number } = {},
): FragmentFixture {
	const { frames = 50, stepMs = 40, ...fields } = more;
	return {
		number: String(1_000_000 + index),
		producerMs: START_MS + index * 2000,
		tracks: [videoTrack],
		blocks: Array.from({ length: frames }, (_, frame) => ({
			trackNumber: 1,
			relativeTicks: frame * stepMs,
			keyframe: frame === 0,
			data: Buffer.from([0, 0, 0, 4, frame === 0 ? 0x65 : 0x41, index, frame, 0x80]),
		})),
		...fields,
	};
}

/** So many of them. */
export function videoFragments(count: number, from = 0): FragmentFixture[] {
	return Array.from({ length: count }, (_, index) => videoFragment(from + index));
}

/** A server with a clock of the test's, and what players do with it. */
export interface Playback extends StartedServer {
	readonly clock: { nowMs: number };
	readonly requests: readonly RequestRecord[];
	/** Makes a recording of the fragments and puts it into a stream, `door` unless it is said. */
	readonly ingest: (fragments: readonly FragmentFixture[], stream?: string) => Promise<void>;
	/** Asks for an HLS session of `door`; throws where it is refused. */
	readonly open: (members?: object) => Promise<Session>;
	/** The same of a DASH session. */
	readonly openDash: (members?: object) => Promise<Session>;
}

/** A session's master playlist or manifest, and its token. */
export interface Session {
	readonly url: string;
	readonly token: string;
}

/** Starts one, at an hour past the recordings. */
export async function startPlayback(
	t: ExecutionContext,
	options: ArchiveServerOptions = {},
): Promise<Playback> {
	const directory = await temporaryDirectory(t);
	const clock = { nowMs: START_MS + 3_600_000 };
	const requests: RequestRecord[] = [];
	const started = await startServer(t, {
		now: () => clock.nowMs,
		onRequest: (record) => requests.push(record),
		...options,
	});
	let recordings = 0;
	return {
		...started,
		clock,
		requests,
		ingest: async (fragments, stream = 'door') => {
			const file = join(directory, `${recordings++}.mkv`);
			await writeFile(file, Buffer.concat(fragments.map(fragmentDocument)));
			await started.server.archive.ingest(stream, file);
		},
		open: (members) => open('HLS', members),
		openDash: (members) => open('DASH', members),
	};

	async function open(protocol: 'HLS' | 'DASH', members: object = {}): Promise<Session> {
		const { status, json } = await started.call(`Get${protocol}StreamingSessionURL`, {
			StreamName: 'door',
			...members,
		});
		if (status !== 200) throw new Error(`${status} ${JSON.stringify(json)}`);
		const url: string = json[`${protocol}StreamingSessionURL`];
		return { url, token: new URL(url).searchParams.get('SessionToken') as string };
	}
}

/** A selector of a range, in milliseconds from {@link START_MS}; of the first hour unless it is said. */
export function selector(
	clock: 'SERVER' | 'PRODUCER',
	range: { from?: number; to?: number | null } = {},
): { HLSFragmentSelector: object } {
	return { HLSFragmentSelector: fragmentSelector(clock, range) };
}

function fragmentSelector(
	clock: 'SERVER' | 'PRODUCER',
	{ from = 0, to = 3_599_000 }: { from?: number; to?: number | null },
): object {
	return {
		FragmentSelectorType: `${clock}_TIMESTAMP`,
		TimestampRange: {
			StartTimestamp: (START_MS + from) / 1000,
			...(to !== null && { EndTimestamp: (START_MS + to) / 1000 }),
		},
	};
}

/** Members of a DASH session on demand, of a range as of {@link selector}. */
export function dashOnDemand(
	clock: 'SERVER' | 'PRODUCER' = 'PRODUCER',
	range: { from?: number; to?: number | null } = {},
): object {
	return { PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: fragmentSelector(clock, range) };
}

/** Members of a session on demand, of everything. */
export function onDemand(clock: 'SERVER' | 'PRODUCER' = 'PRODUCER', more: object = {}): object {
	return { PlaybackMode: 'ON_DEMAND', ...selector(clock), ...more };
}

/** The text at an address. */
export async function fetchText(url: string | URL): Promise<string> {
	const response = await fetch(url);
	if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
	return response.text();
}

/** The master playlist of a session, as a strict reader sees it. */
export async function readMaster({ url }: Session): Promise<HLS.types.MasterPlaylist> {
	return HLS.parse(await fetchText(url)) as HLS.types.MasterPlaylist;
}

/** A media playlist of a session: of its video, or of its audio. */
export async function readPlaylist(
	session: Session,
	of: 'video' | 'audio' = 'video',
): Promise<{ text: string; playlist: HLS.types.MediaPlaylist; url: URL }> {
	const master = await readMaster(session);
	const variant = master.variants[0] as HLS.types.Variant;
	const uri = of === 'video' ? variant.uri : (variant.audio[0]?.uri as string);
	const url = new URL(uri, session.url);
	const text = await fetchText(url);
	return { text, playlist: HLS.parse(text) as HLS.types.MediaPlaylist, url };
}

/** Which fragments a playlist lists, by the last digits of their numbers. */
export function listed({ segments }: HLS.types.MediaPlaylist): number[] {
	return segments.map(({ uri }) => Number(/FragmentNumber=([0-9]+)/.exec(uri)?.[1]) % 1_000_000);
}

/** Status and the service's name of the error of a request that is refused. */
export async function refusal(url: string | URL, init: RequestInit = {}): Promise<[number, string, string]> {
	const response = await fetch(url, init);
	const json: Json = await response.json();
	return [response.status, response.headers.get('x-amzn-errortype') ?? '', json.message];
}
