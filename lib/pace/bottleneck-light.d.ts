/** The same class without its clustering over Redis, as one module in place of nineteen; the package has no types of its own for it. */
declare module 'bottleneck/light.js' {
	export { default } from 'bottleneck';
}
