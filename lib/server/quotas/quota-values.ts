import { InvalidOptionError } from '../../errors.js';

/** The quotas of one stream, of one playback session, and of the server. `Infinity` means no limit. */
export interface QuotaValues {
	/** GetMediaForFragmentList calls in any rolling second. */
	readonly mediaCallsPerSecond: number;
	/** Fragment-media points a second: one for a fragment, named in GetMediaForFragmentList, in a clip or played in a session, and for an image. */
	readonly mediaPointsPerSecond: number;
	/**
	 * Fragment-metadata points a second: ListFragments, media playlists and manifests cost what they hold at most, whatever they hold;
	 * GetImages 400 more.
	 */
	readonly metadataPointsPerSecond: number;
	/** GetMediaForFragmentList responses that may be open at a time. */
	readonly mediaConnections: number;
	/** Bytes a second of one GetMediaForFragmentList response. */
	readonly mediaBytesPerSecond: number;
	/** GetMedia calls in any rolling second. */
	readonly getMediaCallsPerSecond: number;
	/** GetMedia responses that may be open at a time. */
	readonly getMediaConnections: number;
	/** Bytes a second of one GetMedia response. */
	readonly getMediaBytesPerSecond: number;
	/** PutMedia calls in any rolling second. */
	readonly putMediaCallsPerSecond: number;
	/** PutMedia connections that may be open at a time; the newest is refused. */
	readonly putMediaConnections: number;
	/** Bytes a second that are read of one PutMedia body; the producer feels it as back-pressure. */
	readonly putMediaBytesPerSecond: number;
	/** Fragments of one PutMedia body that may begin in any rolling second; above it reading pauses. */
	readonly putMediaFragmentsPerSecond: number;
	/**
	 * GetDataEndpoint calls in any rolling second, and as many of each other operation on one stream: DescribeStream,
	 * UpdateStream, UpdateDataRetention, DeleteStream, those on tags and on the storage configuration.
	 */
	readonly controlCallsPerSecond: number;
	/** CreateStream calls to the server in any rolling second, and as many ListStreams calls. */
	readonly accountCallsPerSecond: number;
	/** GetHLSStreamingSessionURL calls in any rolling second, and as many of GetDASHStreamingSessionURL. */
	readonly sessionCallsPerSecond: number;
	/** Of each playback session: calls for its master playlist, as many for media playlists, for manifests, and for MP4 initializations. */
	readonly playlistCallsPerSecond: number;
	/** Of each playback session: calls for its media fragments. */
	readonly playbackFragmentsPerSecond: number;
}

/**
 * The quotas of AWS for a stream: "Kinesis Video Streams service quotas" of the developer guide
 * (docs.aws.amazon.com/kinesisvideostreams/latest/dg/limits.html).
 *
 * That page counts GetMediaForFragmentList in points today; its five calls a second are those of the page of 2020, kept
 * because an account may still have them. A client that keeps both stays below either. 25 MB/s are its 200 Mbps.
 *
 * Of PutMedia that page allows one connection; real producers open the next one before they end the last, when their
 * credentials change, so that here a second one is admitted.
 */
const awsQuotas: QuotaValues = {
	mediaCallsPerSecond: 5,
	mediaPointsPerSecond: 500,
	metadataPointsPerSecond: 10_000,
	mediaConnections: 5,
	mediaBytesPerSecond: 25_000_000,
	getMediaCallsPerSecond: 5,
	getMediaConnections: 3,
	getMediaBytesPerSecond: 25_000_000,
	putMediaCallsPerSecond: 5,
	putMediaConnections: 2,
	putMediaBytesPerSecond: 12_500_000,
	putMediaFragmentsPerSecond: 5,
	controlCallsPerSecond: 5,
	accountCallsPerSecond: 50,
	sessionCallsPerSecond: 25,
	playlistCallsPerSecond: 5,
	playbackFragmentsPerSecond: 20,
};

const noQuotas = Object.fromEntries(
	Object.keys(awsQuotas).map((name) => [name, Number.POSITIVE_INFINITY]),
) as unknown as QuotaValues;

/**
 * The quotas that an option means: AWS's, none, or AWS's with some replaced. Throws `InvalidOptionError` for any other
 * value, and for a quota that is unknown or not above 0.
 */
export function resolveQuotas(option: 'aws' | 'off' | Partial<QuotaValues>): QuotaValues {
	if (option === 'off') return noQuotas;
	if (option === 'aws') return awsQuotas;
	if (typeof option !== 'object' || option === null) {
		throw new InvalidOptionError('quotas', 'aws, off or an object of quotas', option);
	}
	for (const [name, value] of Object.entries(option)) {
		if (!Object.hasOwn(awsQuotas, name)) {
			throw new InvalidOptionError(`quotas.${name}`, `one of ${Object.keys(awsQuotas).join(', ')}`, value);
		}
		if (!(typeof value === 'number' && value > 0)) {
			throw new InvalidOptionError(`quotas.${name}`, 'a number above 0', value);
		}
	}
	return { ...awsQuotas, ...option };
}
