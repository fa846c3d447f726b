//! The crate's public items, compared with those that `api.txt` lists: without bodies, comments and
//! what is private. A difference rewrites the list, so that a review sees it.

use std::{collections::BTreeSet, fs, path::Path};

use syn::{
    Attribute, Block, Fields, File, ImplItem, Item, ItemUse, TraitItem, Type, UseTree, Visibility,
    parse_quote,
};

#[test]
fn the_public_api_is_the_committed_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is = listing(&module(&folder.join("src/lib.rs"), &folder.join("src")));
    let path = folder.join("api.txt");
    if fs::read_to_string(&path).is_ok_and(|committed| committed == is) {
        return;
    }
    fs::write(&path, is).unwrap();
    panic!("the public API has changed: {} has been rewritten, commit it", path.display());
}

#[test]
fn an_item_or_a_signature_that_changes_is_noticed() {
    let of = |source: &str| listing(&syn::parse_str::<File>(source).unwrap().items);
    let before = "mod a { pub struct S { x: u8 } impl S { pub fn f(&self) -> u8 { self.x } } }
        pub use a::S; pub trait T { const C: u8 = 1; fn g(); }";
    assert!(of(before).contains("pub fn f(&self) -> u8 {}"));
    for (part, instead) in [
        ("-> u8 { self.x }", "-> u16 { self.x.into() }"),
        ("pub fn f", "fn f"),
        ("struct S { x: u8 }", "struct S { pub x: u8 }"),
        ("pub use a::S;", ""),
        ("fn g();", "fn g() {}"),
        ("u8 = 1", "u8 = 2"),
        ("impl S", "impl Clone for S { fn clone(&self) -> Self { todo!() } } impl S"),
    ] {
        assert_ne!(of(before), of(&before.replace(part, instead)), "{part}");
    }
    assert_eq!(of(before), of(&before.replace("{ self.x }", "{ 7 }")), "a body is no API");
    assert_eq!(of(before), of(&format!("{before} fn private() {{}}")));
}

/// A module's items, with its submodules read from their files.
fn module(file: &Path, folder: &Path) -> Vec<Item> {
    let mut items = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap().items;
    items.retain(|item| match item {
        Item::Mod(inner) => !inner.attrs.iter().any(|attr| attr.path().is_ident("cfg")),
        _ => true,
    });
    for item in &mut items {
        let Item::Mod(inner) = item else { continue };
        if inner.content.is_none() {
            let folder = folder.join(inner.ident.to_string());
            let beside = folder.with_extension("rs");
            let file = if beside.is_file() { beside } else { folder.join("mod.rs") };
            inner.content = Some((Default::default(), module(&file, &folder)));
        }
    }
    items
}

fn listing(root: &[Item]) -> String {
    let mut items = public(root, root);
    let names = names(&items);
    let mut impls = Vec::new();
    find_impls(root, &names, &mut impls);
    impls.sort_by_cached_key(|item| text(std::slice::from_ref(item)));
    items.append(&mut impls);
    text(&items)
}

fn text(items: &[Item]) -> String {
    prettyplease::unparse(&File { shebang: None, attrs: Vec::new(), items: items.to_vec() })
}

/// The public items of a module; what it re-exports of the crate stands in its place.
fn public(root: &[Item], module: &[Item]) -> Vec<Item> {
    let mut items = Vec::new();
    for item in module {
        match item {
            Item::Use(ItemUse { vis: Visibility::Public(_), tree, .. }) => {
                reexports(root, module, tree, &mut Vec::new(), &mut items);
            }
            _ => items.extend(without_bodies(root, item.clone())),
        }
    }
    items
}

fn reexports(
    root: &[Item],
    module: &[Item],
    tree: &UseTree,
    path: &mut Vec<String>,
    items: &mut Vec<Item>,
) {
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            reexports(root, module, &inner.tree, path, items);
            path.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                reexports(root, module, tree, path, items);
            }
        }
        UseTree::Name(name) => {
            let found = at(root, module, path).into_iter().flatten();
            let mut found = found
                .filter(|item| ident(item).is_some_and(|ident| name.ident == *ident))
                .filter_map(|item| without_bodies(root, item.clone()))
                .peekable();
            if found.peek().is_none() {
                let path: Vec<_> = path.iter().chain([&name.ident.to_string()]).cloned().collect();
                items.push(syn::parse_str(&format!("pub use {};", path.join("::"))).unwrap());
            }
            items.extend(found);
        }
        UseTree::Rename(_) | UseTree::Glob(_) => panic!("name what is exported, as it is called"),
    }
}

/// The items of the module at a path.
fn at<'a>(root: &'a [Item], module: &'a [Item], path: &[String]) -> Option<&'a [Item]> {
    path.iter().try_fold(module, |module, name| match name.as_str() {
        "crate" => Some(root),
        "self" => Some(module),
        _ => module.iter().find_map(|item| match item {
            Item::Mod(inner) if inner.ident == name => Some(&*inner.content.as_ref()?.1),
            _ => None,
        }),
    })
}

fn ident(item: &Item) -> Option<&syn::Ident> {
    Some(match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    })
}

/// The item as its users see it; `None`: it is not public.
fn without_bodies(root: &[Item], mut item: Item) -> Option<Item> {
    let (vis, attrs) = match &mut item {
        Item::Const(item) => (&item.vis, &mut item.attrs),
        Item::Enum(item) => {
            for variant in &mut item.variants {
                strip(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| strip(&mut field.attrs));
            }
            (&item.vis, &mut item.attrs)
        }
        Item::Fn(item) => {
            *item.block = empty();
            (&item.vis, &mut item.attrs)
        }
        Item::Mod(item) => {
            let (brace, items) = item.content.take()?;
            item.content = Some((brace, public(root, &items)));
            (&item.vis, &mut item.attrs)
        }
        Item::Static(item) => (&item.vis, &mut item.attrs),
        Item::Struct(item) => {
            hide_private(&mut item.fields);
            (&item.vis, &mut item.attrs)
        }
        Item::Trait(item) => {
            for part in &mut item.items {
                match part {
                    TraitItem::Fn(part) => {
                        strip(&mut part.attrs);
                        part.default = part.default.take().map(|_| empty());
                    }
                    TraitItem::Const(part) => strip(&mut part.attrs),
                    TraitItem::Type(part) => strip(&mut part.attrs),
                    _ => {}
                }
            }
            (&item.vis, &mut item.attrs)
        }
        Item::Type(item) => (&item.vis, &mut item.attrs),
        _ => return None,
    };
    strip(attrs);
    matches!(vis, Visibility::Public(_)).then_some(item)
}

/// Private fields leave only the mark that there are some.
fn hide_private(fields: &mut Fields) {
    let all = fields.len();
    match fields {
        Fields::Named(named) => {
            let public = named.named.iter().filter(|f| matches!(f.vis, Visibility::Public(_)));
            named.named = public.cloned().collect();
            named.named.iter_mut().for_each(|field| strip(&mut field.attrs));
            if named.named.len() < all {
                named.named.push(parse_quote!(private: _));
            }
        }
        Fields::Unnamed(unnamed) => {
            for field in &mut unnamed.unnamed {
                strip(&mut field.attrs);
                if !matches!(field.vis, Visibility::Public(_)) {
                    field.ty = parse_quote!(_);
                }
            }
        }
        Fields::Unit => {}
    }
}

/// Keeps the attributes that users notice.
fn strip(attrs: &mut Vec<Attribute>) {
    const KEPT: [&str; 5] = ["default", "derive", "from", "must_use", "non_exhaustive"];
    attrs.retain(|attr| KEPT.iter().any(|kept| attr.path().is_ident(kept)));
}

fn empty() -> Block {
    parse_quote!({})
}

fn names(items: &[Item]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in items {
        if let Item::Mod(inner) = item {
            found.extend(inner.content.iter().flat_map(|(_, items)| names(items)));
        }
        found.extend(ident(item).map(ToString::to_string));
    }
    found
}

/// The public part of each implementation for a public type.
fn find_impls(module: &[Item], names: &BTreeSet<String>, found: &mut Vec<Item>) {
    for item in module {
        match item {
            Item::Mod(inner) => {
                let items = inner.content.iter().flat_map(|(_, items)| items.iter().cloned());
                find_impls(&items.collect::<Vec<_>>(), names, found);
            }
            Item::Impl(block) if names.contains(&name(&block.self_ty)) => {
                let mut block = block.clone();
                strip(&mut block.attrs);
                let own = block.trait_.is_none();
                block.items.retain_mut(|part| match part {
                    ImplItem::Fn(part) => {
                        strip(&mut part.attrs);
                        part.block = empty();
                        own && matches!(part.vis, Visibility::Public(_))
                    }
                    ImplItem::Const(part) => {
                        strip(&mut part.attrs);
                        own && matches!(part.vis, Visibility::Public(_))
                    }
                    ImplItem::Type(_) => true,
                    _ => false,
                });
                if !own || !block.items.is_empty() {
                    found.push(Item::Impl(block));
                }
            }
            _ => {}
        }
    }
}

fn name(ty: &Type) -> String {
    match ty {
        Type::Reference(inner) => name(&inner.elem),
        Type::Path(path) => path.path.segments.last().unwrap().ident.to_string(),
        _ => String::new(),
    }
}
