import { ServiceError } from '../wire/service-error.js';

/*
 * The caller is not authenticated. Names, statuses and wording are those that the service's clients have reported: 403 and
 * the JSON services' names (Common Errors of the API reference spells them without `Exception`). No message contains
 * the expected signature.
 */

/** The request carries no signature. */
export function missingAuthenticationToken(): ServiceError {
	return new ServiceError('MissingAuthenticationTokenException', 403, 'Missing Authentication Token');
}

/** A part of the signature is missing or is not what such a part looks like. */
export function incompleteSignature(message: string): ServiceError {
	return new ServiceError('IncompleteSignatureException', 400, message);
}

/** The key, or its session token, is unknown. */
export function unrecognizedClient(): ServiceError {
	const message = 'The security token included in the request is invalid.';
	return new ServiceError('UnrecognizedClientException', 403, message);
}

/** The signature is not for this request, this region or this time. */
export function invalidSignature(message: string): ServiceError {
	return new ServiceError('InvalidSignatureException', 403, message);
}
