import { registeredCodecId } from '../codecs/codec.js';
import type { Track } from '../model/track.js';
import { type Sample, ticksOf } from '../mp4/sample-times.js';
import { accessUnit } from './access-unit.js';
import { adtsHeaders } from './adts.js';
import { decodeTimes } from './decode-times.js';
import { COUNTER_RANGE, PACKET_BYTES, PAYLOAD_BYTES, PacketWriter, setCounter } from './packet-writer.js';
import { type PesPacket, pesPacket, STREAM_IDS } from './pes-packet.js';
import {
	PAT_PID,
	PMT_PID,
	type ProgramStream,
	programAssociation,
	programMap,
	STREAM_TYPES,
} from './program-tables.js';

/** A track's share of a segment. */
export interface TransportTrack {
	readonly track: Track;
	/** In decode order; times in milliseconds of the stream's timeline, not before 0. */
	readonly samples: readonly Sample[];
	/** What a decoder needs before a key frame; none for audio. */
	readonly parameterSets: readonly Uint8Array[];
}

const VIDEO_PID = 0x100;
const AUDIO_PID = 0x101;

/** Times of transport streams count in these a second. */
const TIMESCALE = 90_000;

/** How much earlier the clock is than what is being decoded: time for a decoder to receive it. */
const CLOCK_DELAY_TICKS = 0.7 * TIMESCALE;

/** A clock reference is due every tenth of a second (ISO 13818-1 §2.7.2). */
const CLOCK_INTERVAL_TICKS = 0.1 * TIMESCALE;

/** Audio frames share a PES packet up to this size, and only if they follow one another. */
const MAX_AUDIO_PES_BYTES = 2800;
const MAX_AUDIO_GAP_MS = 1;

/**
 * An MPEG transport stream (ISO 13818-1) of one video track, one audio track or both, which can be decoded by itself and
 * goes on where the segment before it ended: see {@link PacketWriter}. Tables come first; {@link numberTables} numbers them.
 *
 * Decode times are those of {@link decodeTimes}; `beginsTimeline` where the segments beside it have other timelines. Throws `MediaError` for frames that a transport stream cannot have.
 */
export function transportSegment(
	tracks: readonly TransportTrack[],
	{ beginsTimeline = false }: { beginsTimeline?: boolean } = {},
): Buffer {
	const streams = tracks.map(({ track }) => streamOf(track));
	const clockPid = streams.find(({ pid }) => pid === VIDEO_PID)?.pid ?? AUDIO_PID;
	const writer = new PacketWriter();
	writer.section(PAT_PID, programAssociation());
	writer.section(PMT_PID, programMap(streams, clockPid));
	const packets = tracks
		.flatMap((track) =>
			track.track.type === 'video' ? videoPackets(track, beginsTimeline) : audioPackets(track),
		)
		.sort((a, b) => a.decodeTicks - b.decodeTicks || a.pid - b.pid);
	const last = new Map(packets.map((packet) => [packet.pid, packet]));
	let clockTicks: number | null = null;
	for (const packet of packets) {
		const nowTicks = packet.decodeTicks - CLOCK_DELAY_TICKS;
		while (clockTicks !== null && nowTicks - clockTicks > CLOCK_INTERVAL_TICKS) {
			clockTicks += CLOCK_INTERVAL_TICKS;
			writer.clock(clockPid, clockTicks);
		}
		const hasClock = packet.pid === clockPid;
		if (hasClock) clockTicks = nowTicks;
		writer.pes(packet, hasClock ? nowTicks : null, packet === last.get(packet.pid));
	}
	return writer.bytes();
}

/** What a frame takes besides its data: headers of PES and ADTS, delimiters, a clock reference, parameter sets. */
const FRAME_OVERHEAD_BYTES = 128;

/**
 * More bytes than a segment of that media will have, known before it is made. Small frames take several times their size:
 * each may need a packet of its own.
 */
export function transportBytesAtMost({
	mediaBytes,
	frames,
	durationMs,
}: {
	mediaBytes: number;
	frames: number;
	durationMs: number;
}): number {
	const dataPackets = Math.ceil((mediaBytes + frames * FRAME_OVERHEAD_BYTES) / PAYLOAD_BYTES);
	const clockPackets = Math.ceil((durationMs * TIMESCALE) / 1000 / CLOCK_INTERVAL_TICKS);
	// The last packet of a frame is filled up, and the last frame of each track brings its counter round.
	const packets = dataPackets + frames + clockPackets + 2 * COUNTER_RANGE;
	return TABLES_BYTES + packets * PACKET_BYTES;
}

/** Bytes of the tables at the start of a segment: one packet each. */
export const TABLES_BYTES = 2 * PACKET_BYTES;

/** The tables of a segment with the counters of the `sequence`-th in a row. A copy; the rest of the segment stays as it is. */
export function numberTables(segment: Uint8Array, sequence: number): Uint8Array {
	const tables = Uint8Array.from(segment.subarray(0, TABLES_BYTES));
	for (let at = 0; at < TABLES_BYTES; at += PACKET_BYTES) {
		setCounter(tables.subarray(at), sequence % COUNTER_RANGE);
	}
	return tables;
}

function streamOf({ type, codecId }: Track): ProgramStream {
	if (type !== 'video') return { pid: AUDIO_PID, streamType: STREAM_TYPES.adts };
	const isAvc = registeredCodecId(codecId) === 'V_MPEG4/ISO/AVC';
	return { pid: VIDEO_PID, streamType: isAvc ? STREAM_TYPES.avc : STREAM_TYPES.hevc };
}

function videoPackets(
	{ track, samples, parameterSets }: TransportTrack,
	beginsTimeline: boolean,
): PesPacket[] {
	const shownTicks = samples.map(({ ms }) => ticksOf(ms, TIMESCALE));
	const decodeTicks = decodeTimes(shownTicks, beginsTimeline);
	return samples.map(({ data, keyframe }, index) =>
		pesPacket(
			{ pid: VIDEO_PID, streamId: STREAM_IDS.video, isRandomAccess: keyframe },
			{ decodeTicks: decodeTicks[index] as number, shownTicks: shownTicks[index] as number },
			accessUnit(track, data, { keyframe, parameterSets }),
		),
	);
}

function audioPackets({ track, samples }: TransportTrack): PesPacket[] {
	const headerOf = adtsHeaders(track);
	const packets: PesPacket[] = [];
	let slices: Uint8Array[] = [];
	let sizeBytes = 0;
	let startMs = 0;
	let nextMs = 0;
	const finish = (): void => {
		if (slices.length === 0) return;
		const ticks = Math.round((startMs * TIMESCALE) / 1000);
		const fields = { pid: AUDIO_PID, streamId: STREAM_IDS.audio, isRandomAccess: true };
		packets.push(pesPacket(fields, { decodeTicks: ticks, shownTicks: ticks }, slices));
		slices = [];
		sizeBytes = 0;
	};
	for (const { data, ms, durationMs } of samples) {
		const header = headerOf(data.byteLength);
		const frameBytes = header.byteLength + data.byteLength;
		const follows = Math.abs(ms - nextMs) <= MAX_AUDIO_GAP_MS;
		if (!follows || sizeBytes + frameBytes > MAX_AUDIO_PES_BYTES) finish();
		if (slices.length === 0) startMs = ms;
		slices.push(header, data);
		sizeBytes += frameBytes;
		// Of unknown length: the next one has a packet of its own.
		nextMs = durationMs === null ? Number.NEGATIVE_INFINITY : ms + durationMs;
	}
	finish();
	return packets;
}
