import {
	ALL_FORMATS,
	type AudioCodec,
	EncodedAudioPacketSource,
	type EncodedPacket,
	EncodedPacketSink,
	EncodedVideoPacketSource,
	FilePathSource,
	FilePathTarget,
	Input,
	type InputTrack,
	MkvOutputFormat,
	Output,
	type VideoCodec,
} from 'mediabunny';
import { MediaError } from '../../errors.js';

/** One track on its way: the packet that is next, and how to hand it on. */
interface TrackCopy {
	readonly packets: AsyncIterator<EncodedPacket>;
	next: EncodedPacket | null;
	add(packet: EncodedPacket): Promise<void>;
}

/**
 * Copies every packet of an MP4 or MOV file into a new Matroska file, without decoding any. Where the media begins before
 * zero (priming sound, edit lists) all of it is shifted, so that nothing is lost. Throws `MediaError` for a track that
 * Matroska cannot hold, and for a file mediabunny cannot read.
 */
export async function convertToMatroska(source: string, target: string, signal: AbortSignal): Promise<void> {
	const input = new Input({ source: new FilePathSource(source), formats: ALL_FORMATS });
	const output = new Output({ format: new MkvOutputFormat(), target: new FilePathTarget(target) });
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
		if (error instanceof MediaError) throw error;
		const { message } = error as Error;
		throw new MediaError('KVS_MEDIA_UNSUPPORTED', `the MP4 cannot be read: ${message}`, { cause: error });
	} finally {
		if (output.state !== 'finalized') await output.cancel();
		input.dispose();
	}
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
