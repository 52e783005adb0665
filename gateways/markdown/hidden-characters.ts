/** The core looks at a text as gateways show it, so what is hidden is one thing for all: see the domain. */
export { dropHidden, showHidden } from '../../src/domain/hidden-characters.ts';
