import type { Track } from '../../../model/track.js';
import type { PlaybackSession, SessionWindow } from '../sessions/playback-session.js';
import { resourceUri } from '../sessions/resource-uri.js';
import { availabilityOf } from './availability.js';
import { segmentTimes } from './segment-times.js';
import { type Attributes, xmlElement } from './xml-element.js';

/** What a manifest is made of. */
export interface ManifestFields {
	readonly session: Pick<PlaybackSession, 'request' | 'tracks' | 'timeline' | 'openedMs' | 'peakBandwidth'>;
	readonly window: SessionWindow;
	readonly token: string;
	/** Frames per second; null where there are fewer than two. */
	readonly frameRate: number | null;
	/** The archive's clock, epoch milliseconds. */
	readonly nowMs: number;
}

/** Of the attributes `kvs:ts` and `kvs:fn`. The service's own is not documented. */
const KVS_NAMESPACE = 'urn:amazon:kinesisvideo';

const SCHEMA = 'urn:mpeg:dash:schema:mpd:2011';
/** Segments of ISO media that are files of their own (ISO/IEC 23009-1 §8.4). */
const LIVE_PROFILE = 'urn:mpeg:dash:profile:isoff-live:2011';
const DIRECT_TIME = 'urn:mpeg:dash:utc:direct:2014';
const CHANNELS = 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011';

/** Segment times are milliseconds, as fragments' times are. */
const TIMESCALE = 1000;

/**
 * The manifest (MPD, ISO/IEC 23009-1 §5) of a session: one period with an adaptation set for each track, whose segments have
 * the numbers of the session's entries.
 *
 * Times of segments continue where the one before ends, as the service closes gaps; a fragment's own time is `kvs:ts`, in ISO 8601.
 */
export function manifest({ session, window, token, frameRate, nowMs }: ManifestFields): string {
	const { tracks, timeline, peakBandwidth, request } = session;
	const { startNumber, segments, endMs, longestMs } = segmentTimes(window);
	const isStatic = window.isComplete;
	const { availabilityStartMs, delayMs } = availabilityOf(session, longestMs);
	const firstMs = segments[0]?.ms ?? timeline.startMs;
	const lengthMs = endMs - timeline.startMs;
	const isShown = request.showsTimestamps || request.showsNumbers;
	const attributes: Attributes = {
		xmlns: SCHEMA,
		...(isShown && { 'xmlns:kvs': KVS_NAMESPACE }),
		profiles: LIVE_PROFILE,
		type: isStatic ? 'static' : 'dynamic',
		availabilityStartTime: isoTime(availabilityStartMs),
		...(isStatic
			? { mediaPresentationDuration: duration(lengthMs) }
			: {
					publishTime: isoTime(nowMs),
					minimumUpdatePeriod: 'PT1S',
					// Back to the oldest segment that is listed.
					timeShiftBufferDepth: duration(nowMs - availabilityStartMs - (firstMs - timeline.startMs)),
					suggestedPresentationDelay: duration(delayMs),
				}),
		minBufferTime: duration(longestMs),
		maxSegmentDuration: duration(longestMs),
	};
	const segmentElements = segments.map(({ ms, durationMs, entry }) =>
		xmlElement('S', {
			t: ms,
			d: durationMs,
			'kvs:ts': request.showsTimestamps ? isoTime(entry.startMs) : undefined,
			'kvs:fn': request.showsNumbers ? entry.fragment.number : undefined,
		}),
	);
	const sets = tracks.map((track) => {
		const query = { SessionToken: token, TrackNumber: track.number };
		const template = xmlElement(
			'SegmentTemplate',
			{
				timescale: TIMESCALE,
				presentationTimeOffset: timeline.startMs,
				startNumber,
				initialization: resourceUri('GetMP4InitFragment', query),
				media: resourceUri('GetMP4MediaFragment', { FragmentNumber: '$Number$', ...query }),
			},
			[xmlElement('SegmentTimeline', {}, segmentElements)],
		);
		return adaptationSet(track, template, { bandwidth: peakBandwidth, frameRate });
	});
	const time = isStatic ? [] : [xmlElement('UTCTiming', { schemeIdUri: DIRECT_TIME, value: isoTime(nowMs) })];
	const period = xmlElement('Period', { id: 0, start: 'PT0S' }, sets);
	return `<?xml version="1.0" encoding="UTF-8"?>\n${xmlElement('MPD', attributes, [period, ...time])}\n`;
}

function adaptationSet(
	track: Track,
	template: string,
	{ bandwidth, frameRate }: { bandwidth: number; frameRate: number | null },
): string {
	const { number, type, codec, width, height, sampleRate, channels } = track;
	const isVideo = type === 'video';
	const representation: Attributes = {
		id: number,
		bandwidth: Math.max(1, Math.ceil(bandwidth)),
		codecs: codec ?? undefined,
		...(isVideo
			? { width, height, frameRate: frameRate === null ? undefined : fraction(frameRate) }
			: { audioSamplingRate: sampleRate }),
	};
	const configuration = isVideo
		? []
		: [xmlElement('AudioChannelConfiguration', { schemeIdUri: CHANNELS, value: channels })];
	return xmlElement(
		'AdaptationSet',
		{
			id: number,
			contentType: type,
			mimeType: `${type}/mp4`,
			segmentAlignment: 'true',
			...(isVideo && { startWithSAP: 1 }),
		},
		[template, xmlElement('Representation', representation, configuration)],
	);
}

/** Frame rates are whole numbers or fractions in a manifest. */
function fraction(perSecond: number): string {
	const thousandths = Math.round(perSecond * 1000);
	return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}/1000`;
}

function isoTime(epochMs: number): string {
	return new Date(epochMs).toISOString();
}

/** A length of time as `xs:duration`. */
function duration(ms: number): string {
	return `PT${Math.max(0, Math.ceil(ms)) / 1000}S`;
}
