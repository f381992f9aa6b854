import { InvalidOptionError } from '../errors.js';

/** A stream: exactly one of its name and its ARN. */
export interface StreamId {
	readonly streamName?: string | undefined;
	readonly streamArn?: string | undefined;
}

/** The same as members of a request. */
export type StreamMembers = { readonly StreamName: string } | { readonly StreamARN: string };

/** Checks which stream is meant, and the region that an ARN says. Throws {@link InvalidOptionError}. */
export function checkStreamId({ streamName, streamArn }: StreamId): {
	/** Name or ARN, as it was given. */
	stream: string;
	members: StreamMembers;
	region: string | undefined;
} {
	if (streamName !== undefined && streamArn === undefined) {
		if (typeof streamName !== 'string' || !/^[a-zA-Z0-9_.-]{1,256}$/.test(streamName)) {
			throw new InvalidOptionError('streamName', '1 to 256 letters, digits, `_`, `.` or `-`', streamName);
		}
		return { stream: streamName, members: { StreamName: streamName }, region: undefined };
	}
	if (streamArn === undefined || streamName !== undefined) {
		throw new InvalidOptionError('streamName', 'given, or `streamArn`, and not both', streamName);
	}
	if (!/^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+\/[a-zA-Z0-9_.-]+\/[0-9]+$/.test(streamArn)) {
		throw new InvalidOptionError('streamArn', 'the ARN of a Kinesis video stream', streamArn);
	}
	return { stream: streamArn, members: { StreamARN: streamArn }, region: streamArn.split(':')[3] };
}
