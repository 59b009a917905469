"""The portable model: written, signed, read and verified, with its card.

bundles.manifest     what a bundle says of itself: Manifest, GivenField, FeatureField
bundles.parts        BundleParts, Golden: what a bundle is made from
bundles.writing      write_bundle, zip_bundle
bundles.reading      read_bundle, Bundle
bundles.keys         SigningKey, TrustedKeys, load_or_create_signing_key, load_trusted_keys
bundles.card         CardFacts, render_card
bundles.profiles     reference_profile
"""
