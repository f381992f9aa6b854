import { type FileHandle, open } from 'node:fs/promises';
import { WritableStream } from 'node:stream/web';
import {
	type AudioCodec,
	CustomSource,
	EncodedAudioPacketSource,
	type EncodedPacket,
	EncodedPacketSink,
	EncodedVideoPacketSource,
	Input,
	type InputTrack,
	Logging,
	LogLevel,
	MkvOutputFormat,
	MP4,
	Output,
	QTFF,
	StreamTarget,
	type StreamTargetChunk,
	type VideoCodec,
} from 'mediabunny';
import { MediaError } from '../../errors.js';
import { PRIVATE_FILE_MODE } from '../../files/file-writer.js';
import type { InputFile } from './input-file.js';

/** How much is gathered before it is written. */
const WRITE_BYTES = 1024 * 1024;

/** One track on its way: the packet that is next, and how to hand it on. */
interface TrackCopy {
	readonly packets: AsyncIterator<EncodedPacket>;
	next: EncodedPacket | null;
	add(packet: EncodedPacket): Promise<void>;
}

/**
 * Copies every packet of an MP4 or MOV file, which is open, into a new Matroska file, without decoding any. Where the
 * media begins before zero (priming sound, edit lists) all of it is shifted, so that nothing is lost. Throws `MediaError`
 * for a track that Matroska cannot hold and for a file mediabunny cannot read, the system's error for a full disk.
 */
export async function convertToMatroska(
	source: InputFile,
	target: string,
	signal: AbortSignal,
): Promise<void> {
	const targetHandle = await open(target, 'wx', PRIVATE_FILE_MODE);
	const { level } = Logging;
	// Its warnings go to the console otherwise; what is wrong with a file is said in the error.
	Logging.level = LogLevel.Silent;
	const input = new Input({ source: sourceOf(source), formats: [MP4, QTFF] });
	const output = new Output({ format: new MkvOutputFormat(), target: targetOf(targetHandle) });
	try {
		const tracks = await input.getTracks();
		if (tracks.length === 0) throw new MediaError('KVS_MEDIA_UNSUPPORTED', 'a file without tracks');
		const copies: TrackCopy[] = [];
		for (const track of tracks) copies.push(await addTrack(output, track));
		await output.start();
		await copyPackets(copies, Math.min(0, await input.getFirstTimestamp()), signal);
		await output.finalize();
	} catch (error) {
		signal.throwIfAborted();
		if (error instanceof MediaError || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
		const { message } = error as Error;
		throw new MediaError('KVS_MEDIA_UNSUPPORTED', `the MP4 cannot be read: ${message}`, { cause: error });
	} finally {
		if (output.state !== 'finalized') await output.cancel();
		input.dispose();
		Logging.level = level;
		await targetHandle.close();
	}
}

/** mediabunny's own file source takes a short read for a whole one, and gives zeros for the rest. */
function sourceOf({ handle, sizeBytes }: InputFile): CustomSource {
	return new CustomSource({
		getSize: () => sizeBytes,
		read: async (start, end) => {
			const buffer = new Uint8Array(end - start);
			for (let filled = 0; filled < buffer.byteLength; ) {
				const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, start + filled);
				if (bytesRead === 0) throw new Error(`the file ends at byte ${start + filled}`);
				filled += bytesRead;
			}
			return buffer;
		},
		prefetchProfile: 'fileSystem',
		// What a read ahead fails on, the read that needs it fails on too.
		handleUnhandledError: () => {},
	});
}

/** Nor does its file target look at how much was written, or close its file where it is never started. */
function targetOf(handle: FileHandle): StreamTarget {
	const writable = new WritableStream<StreamTargetChunk>({
		write: async ({ data, position }) => {
			for (let written = 0; written < data.byteLength; ) {
				const length = data.byteLength - written;
				const { bytesWritten } = await handle.write(data, written, length, position + written);
				written += bytesWritten;
			}
		},
	});
	return new StreamTarget(writable, { chunked: true, chunkSize: WRITE_BYTES });
}

async function addTrack(output: Output, track: InputTrack): Promise<TrackCopy> {
	const codec = await track.getCodec();
	const supported: readonly (string | null)[] = output.format.getSupportedCodecs();
	if (codec === null || !supported.includes(codec)) {
		const id = codec ?? String((await track.getInternalCodecId()) ?? 'unknown');
		throw new MediaError(
			'KVS_MEDIA_UNSUPPORTED',
			`track ${track.id} (${track.type}) has the codec \`${id}\`, which cannot be put into Matroska`,
		);
	}
	const metadata = { languageCode: await track.getLanguageCode() };
	const packets = new EncodedPacketSink(track).packets();
	const { value } = await packets.next();
	const next = value ?? null;
	if (track.isVideoTrack()) {
		const source = new EncodedVideoPacketSource(codec as VideoCodec);
		output.addVideoTrack(source, metadata);
		const decoderConfig = (await track.getDecoderConfig()) ?? undefined;
		return {
			packets,
			next,
			add: (packet) => source.add(packet, { ...(decoderConfig && { decoderConfig }) }),
		};
	}
	if (track.isAudioTrack()) {
		const source = new EncodedAudioPacketSource(codec as AudioCodec);
		output.addAudioTrack(source, metadata);
		const decoderConfig = (await track.getDecoderConfig()) ?? undefined;
		return {
			packets,
			next,
			add: (packet) => source.add(packet, { ...(decoderConfig && { decoderConfig }) }),
		};
	}
	throw new MediaError('KVS_MEDIA_UNSUPPORTED', `track ${track.id} is neither picture nor sound`);
}

async function copyPackets(
	copies: readonly TrackCopy[],
	shiftSeconds: number,
	signal: AbortSignal,
): Promise<void> {
	for (;;) {
		signal.throwIfAborted();
		let earliest: TrackCopy | null = null;
		for (const copy of copies) {
			if (copy.next === null) continue;
			if (earliest?.next == null || copy.next.timestamp < earliest.next.timestamp) earliest = copy;
		}
		if (earliest?.next == null) return;
		const packet = earliest.next;
		await earliest.add(
			shiftSeconds === 0 ? packet : packet.clone({ timestamp: packet.timestamp - shiftSeconds }),
		);
		const { value } = await earliest.packets.next();
		earliest.next = value ?? null;
	}
}
