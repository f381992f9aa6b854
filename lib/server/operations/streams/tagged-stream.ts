import type { RequestFields } from '../../wire/request-fields.js';
import { invalidResourceFormat } from '../../wire/service-error.js';
import { STREAM_ARN } from '../../wire/stream-name.js';
import { type RequestedStream, requestedStream } from '../requested-stream.js';

/** The stream of an operation on tags, which has an error of its own for an ARN that is not one of a stream. */
export function taggedStream(request: RequestFields): RequestedStream {
	const arn = request.string('StreamARN', { maxLength: STREAM_ARN.maxLength, pattern: /^/ });
	if (arn !== undefined && !STREAM_ARN.pattern.test(arn)) throw invalidResourceFormat();
	return requestedStream(request);
}
